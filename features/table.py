"""Table: one schema, with its checks, for a parquet file, a data frame and a Feast view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from features.errors import ContractError
from features.files import replacing

type_of_time = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Table:
    """A schema shared by a parquet file, data frames and (for feature tables) a Feast view.

    `key` columns are unique together; `required` columns hold no null; further columns are kept when `open` is true.
    """

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    open: bool = field(default=False, kw_only=True)

    def check(self, frame: pl.DataFrame, *, source: str) -> pl.DataFrame:
        """The frame with its columns in order.

        Raises:
            ContractError: a column is missing, has another type, holds nulls though required, or a key repeats.
        """
        where = f"{self.name} from {source}"
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            raise ContractError(
                f"{where}: no column {missing}; there are {sorted(frame.columns)}; add it where the table is written"
            )
        for name, expected in self.columns.items():
            dtype = frame.schema[name]
            if dtype != expected:
                raise ContractError(
                    f"{where}: column '{name}' is {dtype}, expected {expected}; cast it where the table is written"
                )
        for name in self.required:
            nulls = frame.get_column(name).null_count()
            if nulls:
                raise ContractError(
                    f"{where}: column '{name}' has {nulls} nulls, expected none; fill or drop those rows"
                )
        if self.key:
            repeated = frame.height - frame.select(self.key).n_unique()
            if repeated:
                example = frame.filter(frame.select(self.key).is_duplicated()).select(self.key).row(0)
                raise ContractError(
                    f"{where}: {repeated} rows repeat the key {self.key}, e.g. {example}; keep one row for each key"
                )
        rest = [name for name in frame.columns if name not in self.columns] if self.open else []
        return frame.select([*self.columns, *rest])

    def read(self, path: Path | str) -> pl.DataFrame:
        """The checked table from a parquet file."""
        if not Path(path).exists():
            raise ContractError(f"{self.name}: no file {path}; run the stage that writes it (`dvc repro`)")
        return self.check(pl.read_parquet(path), source=str(path))

    def write(self, frame: pl.DataFrame, path: Path | str) -> None:
        """Checks, then writes the parquet file whole or not at all (temporary file, fsync, rename)."""
        write_parquet(self.check(frame, source="memory"), path)

    def empty(self) -> pl.DataFrame:
        """The table without rows."""
        return pl.DataFrame(schema=dict(self.columns))


def write_parquet(frame: pl.DataFrame, path: Path | str) -> None:
    """Writes a parquet file whole or not at all; the same frame gives the same bytes."""
    with replacing(path) as scratch:
        frame.write_parquet(scratch, compression="zstd", statistics=True)
