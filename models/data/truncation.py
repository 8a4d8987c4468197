"""Truncated histories: the same queries as if only the newest few events of each user had been recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Int64
from features.positives import Positives
from models.data.ragged import ranges
from models.data.types import Queries, Targets

TRUNCATED = "short.parquet"  # beside the examples: rows of INTERACTIONS, short histories under names of their own
LONGEST = 10  # acts of a truncated history at most; histories that are no longer stay whole


def newest(history: pl.DataFrame, n: int | pl.Expr, positives: Positives, cut: int | None) -> pl.DataFrame:
    """The newest n positive rows of each user in time order; cut: only rows known by then count [µs], None: all.

    n: a number, or a column that holds each user's.
    """
    rows = history.filter(positives.where())
    if cut is not None:
        rows = rows.filter(pl.max_horizontal("timestamp", "known_at").dt.epoch("us") <= cut)
    rows = rows.sort("timestamp", maintain_order=True)
    return rows.filter(pl.int_range(pl.len()).reverse().over("user_id") < n)


def sample_queries(queries: Queries, n_queries: int, seed: int) -> tuple[Int64, Int64]:
    """Places of at most n_queries queries with more than LONGEST acts, ascending, and how many acts each shall keep.

    The numbers run from 1 to LONGEST, each as often on a logarithmic scale: one act differs from two as five from ten.
    """
    rng = np.random.default_rng(seed)
    long = np.flatnonzero(queries.history.items.lengths > LONGEST)
    places = np.sort(rng.permutation(long)[:n_queries])
    kept = np.floor(np.exp(rng.uniform(0.0, np.log(LONGEST + 1), len(places)))).astype(np.int64)
    return places.astype(np.int64), np.minimum(kept, LONGEST)


def truncate(queries: Queries, places: Int64, n_acts: Int64) -> Queries:
    """The queries at `places` with the newest n_acts[i] acts of their histories.

    Exclusions stay those of the full history, so that what is wanted stays the same.
    """
    items = queries.history.items
    n_kept = np.minimum(items.lengths[places], n_acts)
    return replace(
        queries,
        user_ids=queries.user_ids[places],
        at=queries.at[places],
        history=queries.history.take(ranges(items.offsets[places + 1] - n_kept, n_kept)),
        excluded=queries.excluded.rows(places),
    )


def targets_of(targets: Targets, places: Int64) -> Targets:
    """The targets of the queries at `places`."""
    return Targets(targets.items.rows(places), targets.counts[places])


def aliases(queries: Queries, n_acts: Int64) -> npt.NDArray[np.str_]:
    """(n_queries,) a name for each query's user as known by the newest n_acts[i] acts; no user has it as an id."""
    states = zip(queries.user_ids.tolist(), queries.at.tolist(), n_acts.tolist(), strict=True)
    return np.asarray([f"{user}\x1f{at}\x1f{n}" for user, at, n in states], dtype=np.str_)


def rows_of(
    history: pl.DataFrame, queries: Queries, names: npt.NDArray[np.str_], n_acts: Int64, positives: Positives
) -> pl.DataFrame:
    """The rows of INTERACTIONS that make up the truncated histories, under their names (`aliases`).

    history: the rows before the cutoff that all queries share.
    """
    columns = {"user_id": queries.user_ids.tolist(), "name": names.tolist(), "n": n_acts}
    shortened = pl.DataFrame(columns, schema_overrides={"user_id": pl.String, "name": pl.String})
    rows = history.join(shortened, on="user_id", maintain_order="left")
    kept = newest(rows, pl.col("n"), positives, int(queries.at.max(initial=0)))
    return kept.with_columns(user_id=pl.col("name")).select(history.columns)
