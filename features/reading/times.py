"""Times of interactions: real ones, or an artificial order where the files have none at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from features.reading.cells import read_cells
from features.reading.conform import Conformed, Fault, set_aside
from features.table import type_of_time

ORDERS = ("time_order", "seq_in_user", "list_pos")
SECOND = 1_000_000


@dataclass(frozen=True)
class Timed:
    """Interactions that all have a timestamp and a known_at; `artificial`: they only carry an order."""

    shaped: Conformed
    artificial: bool
    note: str | None


def give_times(shaped: Conformed, shown: str) -> Timed:
    """Rows without a time go to the quarantine where others have one; where none has, the order gives the time."""
    frame, original = shaped.frame, shaped.original
    unreadable = shaped.quarantine.filter(pl.col("column") == "timestamp").height
    if frame.get_column("timestamp").null_count() < frame.height or unreadable:
        absent = Fault("timestamp", frame.get_column("timestamp").is_null(), "no time where other rows have one")
        shaped = _without(shaped, absent)
        known = pl.coalesce("known_at", "timestamp")
        return Timed(replace(shaped, frame=shaped.frame.with_columns(known_at=known)), artificial=False, note=None)
    order = next((name for name in ORDERS if name in original.columns), None)
    if order is None:
        position = pl.int_range(frame.height, dtype=pl.Int64, eager=True).rename("_position")
        note = "no times: the row order gives an artificial time, so the default split is per user (last out)"
    else:
        cells = read_cells(original.get_column(order), pl.Float64, shown)
        absent = Fault(order, cells.values.is_null(), f"no {order} where other rows have one")
        shaped = _without(replace(shaped, frame=frame.with_columns(_order=cells.values)), absent)
        position = shaped.frame.get_column("_order").rank("dense").cast(pl.Int64) - 1
        note = f"no times: column '{order}' gives an artificial time, so the default split is per user (last out)"
    instants = (position * SECOND).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(type_of_time)
    dated = shaped.frame.with_columns(timestamp=instants, known_at=instants)
    return Timed(replace(shaped, frame=dated), artificial=True, note=note)


def _without(shaped: Conformed, fault: Fault) -> Conformed:
    frame, original, aside = set_aside(shaped.frame, shaped.original, [fault])
    return replace(shaped, frame=frame, original=original, quarantine=pl.concat([shaped.quarantine, aside]))
