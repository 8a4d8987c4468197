"""Cleaning of interactions: no repeats, no invalid values, and a trust weight with its reason for every row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from pydantic import Field

from features.cleaning.anomalies import REASONS, AnomalyParams, bots, bursts, shills
from features.errors import ContractError
from features.fields import value_fits
from features.schema import LOG

TRUST_COLUMNS = pl.Schema([("part", pl.String()), *REASONS.items()])


class Params(AnomalyParams):
    """Section `clean`: what counts as a repeat, and what as noise."""

    repeat_seconds: float = Field(default=1.0, ge=0)
    """Repeats of a user, item and event within this time are merged (a double click); 0: only at the same instant."""
    category_from_tags: bool = True
    """An item without a category takes its first tag, so that caps per category and category features work."""


def trust(rows: pl.DataFrame, params: AnomalyParams) -> tuple[pl.Series, pl.DataFrame]:
    """Weights (n_rows,) in [0, 1] in the order of `rows`, and REASONS for every weight below 1.

    `rows` must hold only what was known at the cutoff. Impressions are not acts of the user and are ignored by bot
    detection; they get the weight of their user.
    """
    numbered = rows.with_row_index("row").sort("timestamp", maintain_order=True)
    acts = numbered.filter(pl.col("event").ne_missing("impression"))
    machines = bots(acts, params)
    people = acts.join(machines, left_on="user_id", right_on="who", how="anti", maintain_order="left")
    burst_reasons, odd = bursts(people, params)
    machines = pl.concat([machines, shills(people, odd, params)])
    of_user = pl.col("user_id").is_in(machines["who"].implode())
    of_burst = pl.col("row").is_in(odd["row"].implode())
    weights = numbered.sort("row").select(
        trust=pl.min_horizontal(
            pl.when(of_user).then(params.bot_trust).otherwise(1.0),
            pl.when(of_burst).then(params.burst_trust).otherwise(1.0),
        )
    )["trust"]
    return weights, pl.concat([machines, burst_reasons]).sort("kind", "who", "since", "reason")


def clean_log(
    rows: pl.DataFrame, params: Params, *, at: int | None, artificial_time: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """LOG of one part, REASONS, and what was changed.

    Rows that became known only after `at` [µs] are left out (None: all were known). Where time is artificial, gaps mean
    nothing: only rows of one instant are one act, and every row is trusted.

    Raises:
        ContractError: nothing at all was known at the cut.
    """
    n_rows = rows.height
    if at is not None:
        rows = rows.filter(pl.col("known_at") <= datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at))
    n_late = n_rows - rows.height
    if rows.is_empty() and n_rows:
        raise ContractError(
            f"interactions: none of the {n_rows} rows of a part was known at its cut; expected known_at near "
            "timestamp; leave known_at away on import (it is then the timestamp), or set split.scheme to leave_last_out"
        )
    impossible = ~value_fits(pl.col("value"))
    n_values = int(rows.select(impossible.fill_null(False).sum()).item())
    rows = rows.with_columns(value=pl.when(~impossible.fill_null(False)).then(pl.col("value")))
    rows, n_same, n_double = _one_act_one_row(rows, 0.0 if artificial_time else params.repeat_seconds)
    if artificial_time:
        weights, reasons = pl.Series("trust", [1.0] * rows.height, dtype=pl.Float64), pl.DataFrame(schema=REASONS)
    else:
        weights, reasons = trust(rows, params)
    log = LOG.check(rows.with_columns(weights.alias("trust")), source="cleaning")
    report = {
        "n_rows_before": n_rows,
        "n_rows": log.height,
        "n_known_after_cut": n_late,
        "n_repeated_at_one_instant": n_same,
        "n_repeated_within_repeat_seconds": n_double,
        "n_impossible_values": n_values,
        "n_distrusted_rows": int((weights < 1).sum()),
        "n_bots": int(reasons.filter(pl.col("kind") == "bot")["who"].n_unique()),
        "n_bursts": int((reasons["kind"] == "burst").sum()),
        "trust_mean": round(float(weights.mean() or 0.0), 6),  # type: ignore[arg-type]
    }
    return log, reasons, report


def _one_act_one_row(rows: pl.DataFrame, repeat_seconds: float) -> tuple[pl.DataFrame, int, int]:
    """Time-ordered rows without repeats; how many went at one instant, and how many soon after.

    Of rows that agree in user, item, event and instant the one that was known last stays (a correction); of a run in
    which each follows the one before within `repeat_seconds`, the first.
    """
    act = ["user_id", "item_id", "event"]
    ordered = rows.with_row_index("place").sort("known_at", "place")
    single = ordered.unique([*act, "timestamp"], keep="last", maintain_order=True).sort("timestamp", "place")
    n_same = rows.height - single.height
    if repeat_seconds <= 0:
        return single.drop("place"), n_same, 0
    soon = pl.col("timestamp").diff().over(act) <= timedelta(seconds=repeat_seconds)
    kept = single.filter(~soon.fill_null(False))
    return kept.drop("place"), n_same, single.height - kept.height
