"""Feature tables from the split's files: key range by key range, so that memory does not grow with the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from features.files import replacing
from features.positives import Positives
from features.schema import CATALOGUE
from features.states.aggregates import STATS, arrivals, state_rows, write_about
from features.table import Table

ROWS_A_RANGE = 2_000_000


class Params(BaseModel):
    """How the feature tables are checked."""

    model_config = ConfigDict(extra="forbid")

    leak_samples: int = Field(default=1000, ge=0)
    """Queries recomputed from a log cut at their own instant; a difference stops the pipeline. 0 checks nothing."""
    seed: int = 1
    """Which queries are sampled."""


def scan(parts: Sequence[Path], catalogue: Path, positives: Positives) -> pl.LazyFrame:
    """The rows of some INTERACTIONS files as they arrive (see `aggregates.arrivals`)."""
    facts = CATALOGUE.read(catalogue).lazy()
    return arrivals(pl.concat([pl.scan_parquet(part) for part in parts]), facts, positives)


def build_tables(
    rows: pl.LazyFrame, target: Path, positives: Positives, rows_a_range: int = ROWS_A_RANGE
) -> dict[str, int]:
    """Writes every STATS table below `target`, ordered by key and time; how many rows each has."""
    target.mkdir(parents=True, exist_ok=True)
    written = {name: _write(rows, table, target / f"{name}.parquet", rows_a_range) for name, table in STATS.items()}
    write_about(target, positives)
    return written


def _write(rows: pl.LazyFrame, table: Table, path: Path, rows_a_range: int) -> int:
    """One table, one row group a range of keys, whole or not at all."""
    schema = pa.schema([_field(field) for field in table.empty().to_arrow().schema])
    n_rows = 0
    with replacing(path) as scratch, pq.ParquetWriter(scratch, schema, compression="zstd") as writer:
        for part in _ranges(rows, table.key[0], rows_a_range):
            states = table.check(state_rows(part, table), source="build_features")
            n_rows += states.height
            writer.write_table(states.to_arrow().cast(schema))
    return n_rows


def _ranges(rows: pl.LazyFrame, key: str, rows_a_range: int) -> Iterator[pl.DataFrame]:
    """The rows of consecutive ranges of the key, each of about `rows_a_range` rows (one key is never cut)."""
    counts = rows.group_by(key).len().sort(key).collect(engine="streaming")
    if counts["len"].sum() <= rows_a_range:
        yield rows.collect()
        return
    number = (counts["len"].cum_sum() - 1) // rows_a_range
    bounds = counts.group_by(number.alias("range"), maintain_order=True).agg(
        pl.col(key).first().alias("first"), pl.col(key).last().alias("last")
    )
    for first, last in bounds.select("first", "last").iter_rows():
        yield rows.filter(pl.col(key).is_between(pl.lit(first), pl.lit(last))).collect(engine="streaming")


def _field(field: pa.Field) -> pa.Field:
    """Strings as every parquet reader knows them."""
    text = pa.types.is_large_string(field.type) or pa.types.is_string_view(field.type)
    return pa.field(field.name, pa.string() if text else field.type)
