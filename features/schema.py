"""Table and all tables: the one vocabulary of columns that every room speaks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from features.errors import ContractError
from features.files import write_text as write_text

type_of_time = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Table:
    """At once a parquet file, an argument and (feature tables) a Feast view with the same columns.

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
            found = frame.schema[name]
            if found != expected:
                raise ContractError(
                    f"{where}: column '{name}' is {found}, expected {expected}; cast it where the table is written"
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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        frame.write_parquet(scratch, compression="zstd", statistics=True)
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


INTERACTIONS = Table(
    "interactions",
    {
        "user_id": pl.String,
        "item_id": pl.String,
        "timestamp": type_of_time,
        "event": pl.String,
        "value": pl.Float64,
        "known_at": type_of_time,
    },
    required=("user_id", "item_id", "timestamp", "known_at"),
)
ITEMS = Table(
    "items",
    {
        "item_id": pl.String,
        "title": pl.String,
        "description": pl.String,
        "tags": pl.List(pl.String),
        "category": pl.String,
        "price": pl.Float64,
        "created_at": type_of_time,
    },
    key=("item_id",),
    required=("item_id",),
    open=True,
)
USERS = Table("users", {"user_id": pl.String}, key=("user_id",), required=("user_id",), open=True)
RELATIONS = Table("relations", {"user_id": pl.String, "friend_id": pl.String}, required=("user_id", "friend_id"))
ITEM_VECTORS = Table(
    "item_vectors",
    {"item_id": pl.String, "modality": pl.String, "vector": pl.List(pl.Float32)},
    key=("item_id", "modality"),
    required=("item_id", "modality", "vector"),
)
QUARANTINE = Table(
    "quarantine",
    {"file": pl.String, "line": pl.Int64, "column": pl.String, "found": pl.String, "reason": pl.String},
)
# interactions of one part with the trust weight in [0, 1] of each row (1 = trusted)
LOG = Table(
    "log",
    {**INTERACTIONS.columns, "trust": pl.Float64},
    required=("user_id", "item_id", "timestamp", "trust"),
)
# one row an item of the vocabulary, in the order of the vocabulary
CATALOGUE = Table("catalogue", {**ITEMS.columns, "text": pl.String}, key=("item_id",), required=("item_id",))
RECOMMENDATIONS = Table(
    "recommendations",
    {
        "query_id": pl.String,
        "user_id": pl.String,
        "item_id": pl.String,
        "rank": pl.Int64,
        "score": pl.Float64,
    },
    key=("query_id", "item_id"),
    required=("query_id", "user_id", "item_id", "rank", "score"),
)

RAW_TABLES = {table.name: table for table in (INTERACTIONS, ITEMS, USERS, RELATIONS, ITEM_VECTORS)}
