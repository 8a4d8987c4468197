"""Anomaly detection: bots, and bursts of ratings or clicks on one item."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.table import type_of_time

_types: list[tuple[str, pl.DataType]] = [
    ("kind", pl.String()),
    ("who", pl.String()),
    ("since", type_of_time),
    ("until", type_of_time),
    ("n_rows", pl.Int64()),
    ("weight", pl.Float64()),
    ("reason", pl.String()),
]
REASONS = pl.Schema(_types)
"""kind: `bot` (who is a user) or `burst` (who is an item); n_rows: rows that get the weight for this reason."""

_evidence = 12.0  # a share is odd when chance gives it with probability below exp(-12), about 1 in 160,000
_light_rows = 3  # an account with at most so many rows, all within one window, may have been made for the burst
_steady_rows = 50  # fewer gaps tell nothing about regularity
_steady = 0.1  # people's gaps vary by more than their mean; a clock's hardly at all
_odd = {"one_sided": "at one end of the scale", "light": "by accounts that do nothing else", "few": "by very few users"}


class AnomalyParams(BaseModel):
    """Thresholds for bots and bursts, and the trust weights of their rows."""

    model_config = ConfigDict(extra="forbid")

    bot_events_per_day: int = Field(default=300, ge=1)
    """Most events of a person in 24 hours, unless many users exceed it; lower also finds slow bots and heavy users."""
    bot_spread: float = Field(default=4.0, gt=0)
    """The limit rises to this many spreads (log scale) above the median user's busiest 24 hours: rating sites and
    wholesalers have honest users with a thousand events a day."""
    bot_trust: float = Field(default=0.0, ge=0, le=1)
    """Weight of a bot's rows in training and in popularity; 0 leaves them out."""
    burst_hours: float = Field(default=24.0, gt=0)
    """Length of the windows in which bursts are detected."""
    burst_rows: int = Field(default=12, ge=2)
    """A window with fewer rows of an item is never a burst."""
    burst_factor: float = Field(default=10.0, gt=1)
    """A burst has at least this many times the rows expected from the item's usual share of the traffic."""
    burst_trust: float = Field(default=0.1, ge=0, le=1)
    """Weight of a burst's anomalous rows; other rows of the same item and day keep theirs."""


def bots(rows: pl.DataFrame, params: AnomalyParams) -> pl.DataFrame:
    """REASONS of kind bot: users with too many events for a person, or evenly spaced events. `rows`: in time order."""
    limit, busiest = _busiest(rows, params)
    too_busy = busiest.filter(pl.col("busiest") > limit).select(
        "user_id",
        reason=pl.format(
            "{} events within 24 hours, more than {} (no person here)", "busiest", pl.lit(math.floor(limit))
        ),
    )
    gap = pl.col("timestamp").diff().dt.total_microseconds() / 1e6
    steady = (
        rows.group_by("user_id")
        .agg(n=pl.len(), mean=gap.mean(), variation=gap.std() / gap.mean())
        .filter((pl.col("n") > _steady_rows) & (pl.col("mean") > 0) & (pl.col("variation") < _steady))
        .select(
            "user_id",
            reason=pl.format(
                "{} events in even steps of {} s: a clock, no person", "n", pl.col("mean").round(1).cast(pl.String)
            ),
        )
    )
    suspects = pl.concat([too_busy, steady]).unique("user_id", keep="first", maintain_order=True)
    return _reasons(rows, suspects, "user_id", "bot", params.bot_trust)


def bursts(rows: pl.DataFrame, params: AnomalyParams) -> tuple[pl.DataFrame, pl.DataFrame]:
    """REASONS of kind burst, and the `row` numbers (column of `rows`) that are odd in them.

    An item's window is a burst when it holds `burst_factor` times the usual rows and one of three shares is
    significantly high: values at one end of the scale, accounts without other activity, or rows of very few users.
    """
    window = timedelta(hours=params.burst_hours)
    low, high = rows.select(low=pl.col("value").min(), high=pl.col("value").max()).row(0)
    flagged = rows.select("row", "user_id", "item_id", "timestamp", "value").with_columns(
        low=pl.lit(False) if low is None else (pl.col("value") == low).fill_null(False),
        high=pl.lit(False) if high is None else (pl.col("value") == high).fill_null(False),
        light=(pl.len().over("user_id") <= _light_rows)
        & ((pl.col("timestamp").max() - pl.col("timestamp").min()).over("user_id") <= window),
    )
    n_valued = pl.max_horizontal(pl.col("value").count(), pl.lit(1))
    usual = flagged.select(pl.col("low", "high").sum() / n_valued, pl.col("light").mean().fill_null(0.0)).row(
        0, named=True
    )
    by_phase = [_windows(flagged, usual, window, phase, params) for phase in (timedelta(0), window / 2)]
    odd = pl.concat(by_phase).sort("row").unique("row", keep="first", maintain_order=True)
    per_item = (
        odd.join(rows.select("row", "timestamp"), on="row", how="left")
        .group_by("item_id", "window", "oddity")
        .agg(
            since=pl.col("timestamp").min(),
            until=pl.col("timestamp").max(),
            n_rows=pl.len().cast(pl.Int64),
            n_window=pl.col("n").first(),
            usual=pl.col("expected").first(),
        )
        .sort("item_id", "since", "oddity")
    )
    reasons = per_item.select(
        kind=pl.lit("burst"),
        who="item_id",
        since="since",
        until="until",
        n_rows="n_rows",
        weight=pl.lit(params.burst_trust),
        reason=pl.format(
            "{} rows within {} hours where about {} are usual, {} of them {}",
            "n_window",
            pl.lit(f"{params.burst_hours:g}"),
            pl.col("usual").round(1).cast(pl.String),
            "n_rows",
            pl.col("oddity").replace_strict(_odd, return_dtype=pl.String),
        ),
    )
    return reasons.cast(REASONS), odd.select("row")


def shills(rows: pl.DataFrame, in_burst: pl.DataFrame, params: AnomalyParams) -> pl.DataFrame:
    """REASONS of kind bot: accounts of whose rows at least three, and at least half, are odd rows of bursts."""
    share = (
        rows.select("user_id", odd=pl.col("row").is_in(in_burst["row"].implode()))
        .group_by("user_id")
        .agg(n=pl.len(), n_odd=pl.col("odd").sum())
        .filter((pl.col("n_odd") >= 3) & (pl.col("n_odd") >= 0.5 * pl.col("n")))
        .select("user_id", reason=pl.format("{} of {} events lie in bursts: an account made for them", "n_odd", "n"))
    )
    return _reasons(rows, share, "user_id", "bot", params.bot_trust)


def _busiest(rows: pl.DataFrame, params: AnomalyParams) -> tuple[float, pl.DataFrame]:
    """The limit of events within 24 hours for a person, and each user's count in the busiest 24 hours."""
    busiest = (
        rows.select("user_id", "timestamp")
        .sort("user_id", "timestamp")
        .rolling("timestamp", period="24h", group_by="user_id")
        .agg(n=pl.len())
        .group_by("user_id")
        .agg(busiest=pl.col("n").max())
        .sort("user_id")
    )
    logs = busiest.select(pl.col("busiest").log())["busiest"]
    if logs.is_empty():
        return float(params.bot_events_per_day), busiest
    median = float(logs.median())  # type: ignore[arg-type]
    spread = max(1.4826 * float((logs - median).abs().median()), 0.5)  # type: ignore[arg-type]
    return max(float(params.bot_events_per_day), math.exp(median + params.bot_spread * spread)), busiest


def _windows(
    known: pl.DataFrame, usual: dict[str, float], window: timedelta, phase: timedelta, params: AnomalyParams
) -> pl.DataFrame:
    """Odd rows (row, item_id, window, n, expected, oddity) of the bursts in windows that start at one phase."""
    placed = known.with_columns(window=(pl.col("timestamp") - phase).dt.truncate(window))
    traffic = placed.group_by("window").agg(n_all=pl.len())
    totals = placed.group_by("item_id").agg(n_item=pl.len())
    cells = (
        placed.group_by("item_id", "window")
        .agg(
            n=pl.len(),
            n_users=pl.col("user_id").n_unique(),
            n_valued=pl.col("value").count(),
            low=pl.col("low").sum() / pl.col("value").count(),
            high=pl.col("high").sum() / pl.col("value").count(),
            light=pl.col("light").mean(),
        )
        .filter(pl.col("n") >= params.burst_rows)
        .join(traffic, on="window", how="left")
        .join(totals, on="item_id", how="left")
        .with_columns(
            elsewhere=(pl.col("n_item") - pl.col("n")) / pl.max_horizontal(known.height - pl.col("n_all"), pl.lit(1))
        )
        .with_columns(expected=pl.max_horizontal(pl.col("elsewhere") * pl.col("n_all"), pl.lit(1.0)))
        .filter(pl.col("n") >= params.burst_factor * pl.col("expected"))
        .with_columns(
            low=_beyond_chance("low", usual["low"], "n_valued"),
            high=_beyond_chance("high", usual["high"], "n_valued"),
            light=_beyond_chance("light", usual["light"], "n"),
            few=pl.col("n") >= 10 * pl.col("n_users"),
        )
        .select("item_id", "window", "n", "expected", is_low="low", is_high="high", is_light="light", is_few="few")
    )
    at_the_end = (pl.col("is_low") & pl.col("low")) | (pl.col("is_high") & pl.col("high"))
    one_sided = at_the_end.any().over("user_id", "item_id", "window")  # with their views and clicks on it
    return (
        placed.join(cells, on=["item_id", "window"], how="inner")
        .with_columns(
            oddity=pl.when(one_sided)
            .then(pl.lit("one_sided"))
            .when(pl.col("is_light") & pl.col("light"))
            .then(pl.lit("light"))
            .when(pl.col("is_few"))
            .then(pl.lit("few"))
        )
        .filter(pl.col("oddity").is_not_null())
        .select("row", "item_id", "window", "n", "expected", "oddity")
    )


def _beyond_chance(share: str, usual: float, n: str) -> pl.Expr:
    """Whether a share of at least 0.8 among `n` rows (the name of a column) is rarer by chance than exp(-12).

    Chernoff's bound: P <= exp(-n KL(share, usual)), doi:10.1214/aoms/1177729330.
    """
    if usual <= 0 or usual >= 1:
        return pl.lit(False)
    at = pl.col(share).clip(1e-9, 1 - 1e-9)
    divergence = at * (at / usual).log() + (1 - at) * ((1 - at) / (1 - usual)).log()
    return (at >= 0.8) & (at > usual) & (pl.col(n) * divergence >= _evidence)


def _reasons(rows: pl.DataFrame, found: pl.DataFrame, key: str, kind: str, weight: float) -> pl.DataFrame:
    """REASONS from (key, reason), with each key's first and last instant and number of rows."""
    return (
        rows.join(found, on=key, how="inner")
        .group_by(key, "reason")
        .agg(
            since=pl.col("timestamp").min(),
            until=pl.col("timestamp").max(),
            n_rows=pl.len().cast(pl.Int64),
        )
        .sort(key)
        .select(
            pl.lit(kind).alias("kind"),
            pl.col(key).alias("who"),
            "since",
            "until",
            "n_rows",
            pl.lit(weight).alias("weight"),
            "reason",
        )
        .cast(REASONS)
    )
