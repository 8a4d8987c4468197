"""Order events: order lines as interactions, a purchase or, where the order was taken back, a `cancel`."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from features.reading.cells import read_cells
from features.reading.sheet import FILE, LINE

GUEST = "guest:"
SHOWN = 6


def as_numbers(frame: pl.DataFrame, columns: Collection[str], shown: str) -> tuple[pl.DataFrame, list[str]]:
    """Text columns as numbers (amounts too); what is none becomes null and is counted."""
    notes = []
    for name in columns:
        cells = read_cells(frame.get_column(name), pl.Float64, shown)
        frame = frame.with_columns(cells.values.alias(name))
        notes += [f"{shown}, {name}: {cells.note}"] if cells.note else []
        if n_bad := int(cells.bad.sum()):
            notes.append(f"{shown}, {name}: {n_bad:,} cells are no number and are left empty")
    return frame, notes


def order_events(lines: pl.DataFrame, taken_back: Collection[str]) -> tuple[pl.DataFrame, list[str]]:
    """Rows of user_id, item_id, timestamp (as text), event, value (quantity), FILE, LINE, and sentences.

    lines: order, user, time, status, cancelled_at (text or null), quantity (number or null), item_id. taken_back:
    states of an order, in lower case, that make its lines `cancel`. An order without a customer is a user of its own.
    """
    status = pl.col("status").str.to_lowercase().str.replace(r"^wc-", "").str.replace_all(r"[\s_-]+", "")
    cancelled = (
        status.is_in(list(taken_back)).fill_null(False)
        | pl.col("cancelled_at").is_not_null()
        | (pl.col("quantity") <= 0).fill_null(False)
    )
    user = pl.col("user")
    marked = lines.with_columns(
        event=pl.when(cancelled).then(pl.lit("cancel")).otherwise(pl.lit("purchase")),
        timestamp=pl.when(cancelled).then(pl.coalesce("cancelled_at", "time")).otherwise("time"),
        user_id=pl.coalesce(
            pl.when(user.str.contains("@")).then(user.str.to_lowercase()).otherwise(user),
            pl.format(GUEST + "{}", "order"),
        ),
    )
    notes = _notes(marked)
    key = ["order", "user_id", "item_id", "timestamp", "event"]
    rows = marked.group_by(key, maintain_order=True).agg(
        value=pl.when(pl.col("quantity").is_not_null().any()).then(pl.col("quantity").sum()),
        **{FILE: pl.col(FILE).first(), LINE: pl.col(LINE).first()},
    )
    if rows.height < marked.height:
        notes.append(
            f"interactions: {marked.height - rows.height:,} order lines of the same product in the same order (other "
            "variants) are one row, their quantities added"
        )
    return rows.drop("order"), notes


def _notes(marked: pl.DataFrame) -> list[str]:
    orders = marked.unique("order")
    states = orders.group_by("status").len("n").sort(["n", "status"], descending=[True, False], nulls_last=True).rows()
    notes = []
    if any(state is not None for state, _ in states):
        listed = ", ".join(f"{n:,} {state or 'without'}" for state, n in states[:SHOWN])
        more = f" and {len(states) - SHOWN} more" if len(states) > SHOWN else ""
        notes.append(f"orders by status: {listed}{more}")
    n_cancelled = int((marked.get_column("event") == "cancel").sum())
    if n_cancelled:
        notes.append(
            f"interactions: {n_cancelled:,} lines of cancelled or refunded orders are `cancel`, which is no positive"
        )
    guests = orders.filter(pl.col("user").is_null(), pl.col("order").is_not_null())
    if guests.height:
        notes.append(
            f"interactions: {guests.height:,} of {orders.height:,} orders ({guests.height / orders.height:.0%}) name "
            f"no customer: each is a user of its own, called {GUEST}ORDER"
        )
    return notes
