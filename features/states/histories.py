"""User histories: each user's items, oldest first; those of one instant in order of recording."""

from __future__ import annotations

import polars as pl

from features.positives import DEFAULT_POSITIVES, Positives, refusals_where
from features.states.aggregates import arrivals
from features.table import Table, type_of_time

HISTORY_COLUMNS = ("item_ids", "timestamps", "positive", "refused")
USER_HISTORY = Table(
    "user_history",
    {
        "user_id": pl.String,
        "event_timestamp": type_of_time,
        "created_timestamp": type_of_time,
        "item_ids": pl.List(pl.String),
        "timestamps": pl.List(pl.Int64),
        "positive": pl.List(pl.Boolean),
        "refused": pl.List(pl.Boolean),
        "last_seq": pl.Int64,
    },
    key=("user_id", "event_timestamp"),
    required=("user_id", "event_timestamp", "created_timestamp", *HISTORY_COLUMNS, "last_seq"),
)


def user_histories(interactions: pl.DataFrame, at: int, positives: Positives = DEFAULT_POSITIVES) -> pl.DataFrame:
    """USER_HISTORY: what had happened and was known of each user at an instant [µs], all events but impressions."""
    stamp = pl.col("at").cast(type_of_time)
    nothing = pl.LazyFrame(schema={"item_id": pl.String, "category": pl.String, "price": pl.Float32})
    return (
        arrivals(interactions.lazy(), nothing, positives)
        .filter(~pl.col("impression") & (pl.col("known_at") <= at))
        .sort("user_id", "timestamp", maintain_order=True)
        .group_by("user_id", maintain_order=True)
        .agg(
            item_ids="item_id",
            timestamps="timestamp",
            positive="positive",
            refused=refusals_where(),
            at=pl.lit(at, dtype=pl.Int64).first(),
        )
        .with_columns(event_timestamp=stamp, created_timestamp=stamp, last_seq=pl.lit(0, dtype=pl.Int64))
        .select(list(USER_HISTORY.columns))
        .collect()
    )
