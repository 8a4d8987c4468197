"""Learning curve over data size: how good a retriever would be had only the newest part of the log been kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from features.arrays import Int64
from models.data.types import Log
from models.evaluation.evaluate import Params, headline_accuracy
from models.evaluation.test_set import TestSet

SHARES = (0.25, 0.5)  # of the rows, the newest; the whole is what the bundle holds


def newest_rows(log: Log, share: float) -> Log:
    """The log without its oldest rows; positions, users and the cut stay. share: in (0, 1] of the rows, rounded up."""
    start = len(log.items) - int(np.ceil(share * len(log.items)))
    return replace(
        log,
        users=log.users[start:],
        items=log.items[start:],
        times=log.times[start:],
        values=log.values[start:],
        weights=log.weights[start:],
    )


def headline_ndcg(test_set: TestSet, lists: Int64, params: Params) -> float:
    """Mean NDCG at the first cut over the headline's queries, NaN where there are none; lists: see `evaluate`."""
    values = headline_accuracy(test_set, lists, [params.k[0]], params)[f"ndcg@{params.k[0]}"]
    return float(values.mean()) if len(values) else np.nan


def curve(values: Mapping[tuple[str, float], float]) -> pl.DataFrame:
    """series, percent, value: one row a retriever and share of the log, ascending; figures that are NaN stand out."""
    rows = [(name, round(100 * share), round(value, 6)) for (name, share), value in sorted(values.items())]
    schema = {"series": pl.String, "percent": pl.Int64, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("value").is_not_nan())
