"""Joining: posted items as rows of the data's own items, and the table of what may be offered when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from features.catalogue_changes.item import FIELDS, INSTANTS, ItemState
from features.schema import ITEMS
from features.table import Table, type_of_time

# items that are not simply offered from their creation on; available: false is offered at no instant from
# available_until on (at none, where that is null)
AVAILABILITY = Table(
    "availability",
    {
        "item_id": pl.String,
        "available_from": type_of_time,
        "available_until": type_of_time,
        "available": pl.Boolean,
    },
    key=("item_id",),
    required=("item_id",),
)
Columns = dict[str, pl.DataType | type[pl.DataType]]
_TIMES = tuple(name for name in AVAILABILITY.columns if name != "item_id")


def joined(items: pl.DataFrame, states: Sequence[ItemState]) -> pl.DataFrame:
    """ITEMS with all that was posted: named fields replace those of an item's row, further items follow the rows.

    An item that is deleted or not available keeps its row, with `available` false and the instant of that as its
    `available_until`: it was offered before. One that was posted without a creation is offered from then on.
    """
    rows = {row["item_id"]: row for row in _posted(items, states).iter_rows(named=True)}
    if not rows:
        return items
    columns: Columns = {**items.schema}
    given = [name for name in _TIMES if any(row[name] is not None for row in rows.values())]
    columns |= {name: AVAILABILITY.columns[name] for name in given if name not in columns}
    known = set(items.get_column("item_id"))
    replaced = [rows.get(row["item_id"], row) for row in _with(items, columns).iter_rows(named=True)]
    added = [row for item_id, row in rows.items() if item_id not in known]
    content = [{name: row.get(name) for name in columns} for row in (*replaced, *added)]
    return ITEMS.check(pl.DataFrame(content, schema=columns), source="the item log")


def availability(items: pl.DataFrame, catalogue: pl.DataFrame) -> pl.DataFrame:
    """AVAILABILITY of the items of a CATALOGUE, by the columns that ITEMS may have beyond its own; empty: none has."""
    named = [name for name in _TIMES if name in items.columns]
    frame = _with(items.select("item_id", *named), dict(AVAILABILITY.columns)).select(*AVAILABILITY.columns)
    said = pl.col("available_from").is_not_null() | pl.col("available_until").is_not_null()
    frame = frame.filter(said | pl.col("available").eq(False).fill_null(False))
    return frame.join(catalogue.select("item_id"), on="item_id", how="semi").sort("item_id")


def _posted(items: pl.DataFrame, states: Sequence[ItemState]) -> pl.DataFrame:
    """The rows of the posted items, with all columns of ITEMS, its further ones and those of AVAILABILITY."""
    columns: Columns = {**items.schema, **{name: AVAILABILITY.columns[name] for name in _TIMES}}
    ids = pl.DataFrame({"item_id": [state.item_id for state in states]}, schema={"item_id": pl.String})
    before = {
        row["item_id"]: row for row in _with(items, columns).join(ids, on="item_id", how="semi").iter_rows(named=True)
    }
    rows = []
    for state in states:
        is_new = state.item_id not in before
        row = dict(before.get(state.item_id) or dict.fromkeys(columns), item_id=state.item_id)
        for name in FIELDS:
            if name in state.fields and name != "available":
                value = state.fields[name]
                row[name] = _instant(value) if name in INSTANTS and value is not None else value
        if row["available"] is False and "available_until" not in state.fields:
            row["available_until"] = None  # the end of an earlier time, not a posted one
        row["available"] = None if state.available else False
        if not state.available:
            ended = _instant(state.known_at)
            row["available_until"] = min(row["available_until"] or ended, ended)
        if is_new and row["created_at"] is None and row["available_from"] is None:
            row["available_from"] = _instant(state.known_at)
        rows.append(row)
    return pl.DataFrame(rows, schema=columns)


def _with(items: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    """The frame with these columns too, null where it has none."""
    return items.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in columns.items() if name not in items.columns
    )


def _instant(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
