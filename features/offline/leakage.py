"""Leakage check: features of sampled queries are recomputed from a log cut at each query's instant."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from features.arrays import MICROSECONDS_A_DAY
from features.errors import RefusedError
from features.states.aggregates import STATS, USER_CATEGORY_STATS, state_rows
from features.table import Table, type_of_time

logger = logging.getLogger(__name__)

ROWS_A_BLOCK = 4_000_000
ROWS_TO_RECOMPUTE = 4_000_000  # of each table, by the code that makes it; the direct formula is computed of all
_bookkeeping = ("event_timestamp", "created_timestamp", "last_seq")


def check_no_leak(rows: pl.LazyFrame, folder: Path, n_samples: int, seed: int) -> int:
    """How many values were compared: every column of every feature table, as of sampled queries.

    rows: of `aggregates.arrivals`. A query is a row of the log, 1 µs before it happened or at the instant it became
    known. Each value is recomputed twice from what had happened and was known then: by a direct formula, and by the
    code that made the tables (so that a column without a formula is guarded too; of a table's first few million rows).

    Raises:
        RefusedError: a table knew something else; it names feature, query, what was found and what was expected.
    """
    queries = sample(rows, n_samples, seed)
    if queries.is_empty():
        return 0
    compared = 0
    for name, table in STATS.items():
        key = list(table.key[:-1])
        with_key = queries.drop_nulls(key)
        stored = as_of(folder / f"{name}.parquet", with_key, key)
        n_recomputed = 0
        for block in _blocks(rows, with_key, key):
            cut = _cut(rows, block, key, table)
            compared += _compare(table, block, stored, direct(cut, table))
            if not n_recomputed or n_recomputed + cut.height <= ROWS_TO_RECOMPUTE:
                n_recomputed += cut.height
                compared += _compare(table, block, stored, recomputed(cut, table))
    logger.info("queries=%d values=%d leaks=0", queries.height, compared)
    return compared


def sample(rows: pl.LazyFrame, n_samples: int, seed: int) -> pl.DataFrame:
    """Queries: number, user_id, item_id, category, at [µs]."""
    n_rows = rows.select(pl.len()).collect().item()
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(n_rows, size=min(n_samples, n_rows), replace=False))
    drawn = (
        rows.select("user_id", "item_id", "category", "timestamp", "known_at")
        .with_row_index("place")
        .filter(pl.col("place").is_in(pl.Series(chosen, dtype=pl.UInt32).implode()))
        .collect()
        .sort("place")
    )
    before = pl.int_range(pl.len()) % 2 == 0
    at = pl.when(before).then(pl.col("timestamp") - 1).otherwise(pl.col("known_at"))
    return drawn.select("user_id", "item_id", "category", at=at).with_row_index("number")


def as_of(path: Path, queries: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """number and the newest row of each query's key that was known at its instant; nulls where there is none."""
    keys = queries.select(key).unique()
    table = pl.scan_parquet(path).join(keys.lazy(), on=key, how="semi").collect().sort("created_timestamp")
    instants = queries.select("number", *key, at=pl.col("at").cast(type_of_time)).sort("at")
    joined = instants.join_asof(
        table, left_on="at", right_on="created_timestamp", by=key, strategy="backward", check_sortedness=False
    )
    return joined.drop("at", *key).sort("number")


def _blocks(rows: pl.LazyFrame, queries: pl.DataFrame, key: list[str]) -> Iterator[pl.DataFrame]:
    """Queries in blocks whose keys have a bounded number of rows together."""
    keys = queries.select(key).unique()
    counts = rows.join(keys.lazy(), on=key, how="semi").group_by(key).len().collect(engine="streaming")
    sized = queries.join(counts, on=key, how="left", maintain_order="left")
    number = sized["len"].fill_null(0).cum_sum() // ROWS_A_BLOCK
    yield from queries.with_columns(block=number).partition_by("block", maintain_order=True, include_key=False)


def _cut(rows: pl.LazyFrame, queries: pl.DataFrame, key: list[str], table: Table) -> pl.DataFrame:
    """For each query (`number`, `at`) the rows of its key that had happened and were known at its instant."""
    instants = queries.lazy().select("number", "at", *key)
    cut = rows.join(instants, on=key).filter(
        (pl.col("timestamp") <= pl.col("at")) & (pl.col("known_at") <= pl.col("at"))
    )
    if table.name == USER_CATEGORY_STATS.name:
        cut = cut.filter(~pl.col("impression"))
    return cut.collect(engine="streaming")


def direct(cut: pl.DataFrame, table: Table) -> pl.DataFrame:
    """number and the state of each query by its definition; the soft counts at the query's instant."""
    happened = ~pl.col("impression")
    valued = happened & pl.col("value").is_not_nan().fill_null(False)
    priced = pl.col("positive") & (pl.col("price") >= 0).fill_null(False)
    age_days = (pl.col("at") - pl.col("timestamp")) / MICROSECONDS_A_DAY
    formulas = {
        "sum_7d": (-age_days / 7).exp().filter("positive").sum(),
        "sum_90d": (-age_days / 90).exp().filter("positive").sum(),
        "n_events": happened.sum(),
        "n_positive": pl.col("positive").sum(),
        "n_impressions": pl.col("impression").sum(),
        "n_value": valued.sum(),
        "sum_value": pl.col("value").filter(valued).sum(),
        "n_price": priced.sum(),
        "sum_log_price": pl.col("price").cast(pl.Float64).log1p().filter(priced).sum(),
        "first_at": pl.col("timestamp").filter(happened).min(),
        "last_at": pl.col("timestamp").filter(happened).max(),
        "known_at": pl.col("known_at").max(),
    }
    wanted = [formula.cast(pl.Float64).alias(name) for name, formula in formulas.items() if name in table.columns]
    return cut.group_by("number").agg(wanted)


def recomputed(cut: pl.DataFrame, table: Table) -> pl.DataFrame:
    """number and the last state of each query by the code that makes the tables, each query a log of its own."""
    first = table.key[0]
    one_log_each = cut.with_columns(pl.col("number").cast(pl.String).alias(first))
    states = state_rows(one_log_each, table)
    number = pl.col(first).cast(pl.UInt32).alias("number")
    columns = [name for name in states.columns if name not in (*table.key[:-1], *_bookkeeping)]
    last = states.group_by(first).agg(pl.col(columns).last())
    at = cut.group_by("number").agg(pl.col("at").first())
    return _at_instant(last.select(number, *columns).join(at, on="number")).drop("at")


def _at_instant(states: pl.DataFrame) -> pl.DataFrame:
    """States with their soft counts decayed to `at`."""
    gap_days = (pl.col("at") - pl.col("known_at")) / MICROSECONDS_A_DAY
    return states.with_columns(
        pl.col(f"sum_{days}d") * (-gap_days / days).exp()
        for days in (7, 90)
        if {f"sum_{days}d", "known_at"} <= set(states.columns)
    )


def _compare(table: Table, queries: pl.DataFrame, found: pl.DataFrame, expected: pl.DataFrame) -> int:
    """The number of values compared, all equal.

    Raises:
        RefusedError: a value differs.
    """
    instants = queries.select("number", "user_id", "item_id", "at")
    found = _at_instant(instants.join(found, on="number", how="left", maintain_order="left"))
    expected = instants.select("number").join(expected, on="number", how="left", maintain_order="left")
    columns = [name for name in expected.columns if name != "number"]
    for name in columns:
        there = found[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        due = expected[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        wrong = np.flatnonzero(~np.isclose(there, due, rtol=1e-6, atol=1e-9, equal_nan=True))
        if len(wrong):
            query = instants.row(int(wrong[0]), named=True)
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=query["at"])
            raise RefusedError(
                f"build_features: feature '{table.name}.{name}' of the query (user '{query['user_id']}', item "
                f"'{query['item_id']}', at {at.isoformat()}): found {there[wrong[0]]!s}, expected {due[wrong[0]]!s} "
                f"from what had happened and was known by then; {len(wrong)} of {queries.height} sampled queries "
                f"differ; the feature leaks the future, which invalidates every metric: compute it from rows with "
                f"timestamp and known_at at or before the query's instant (features/states/aggregates.py)"
            )
    return len(columns) * queries.height
