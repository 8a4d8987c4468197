"""Posted items as rows of the tables ITEMS and CATALOGUE."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.catalogue_changes.item import INSTANTS, TEXTS, ItemState
from features.cleaning.catalogue import build_catalogue
from features.schema import CATALOGUE, INTERACTIONS, ITEMS

_NOT_SHOWN = ("available_from", "available_until", "available")


def as_items(states: Sequence[ItemState]) -> pl.DataFrame:
    """ITEMS, one row a state in the same order; what was never posted is null."""
    instants = {name: [state.fields.get(name) for state in states] for name in INSTANTS if name in ITEMS.columns}
    columns = {
        "item_id": [state.item_id for state in states],
        **{name: [state.fields.get(name) for state in states] for name in (*TEXTS, "tags", "price")},
    }
    frame = pl.DataFrame(columns, schema={name: ITEMS.columns[name] for name in columns})
    as_times = [
        pl.Series(name, values, dtype=pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        for name, values in instants.items()
    ]
    return ITEMS.check(frame.with_columns(as_times), source="the item log")


def as_catalogue(states: Sequence[ItemState], *, category_from_tags: bool) -> pl.DataFrame:
    """CATALOGUE of the states, tidied as at cleaning, in the same order."""
    if not states:
        return CATALOGUE.empty()
    catalogue, _ = build_catalogue(as_items(states), INTERACTIONS.empty(), category_from_tags=category_from_tags)
    order = pl.DataFrame({"item_id": [state.item_id for state in states]})
    return order.join(catalogue, on="item_id", how="left", maintain_order="left")


def shown_fields(state: ItemState) -> dict[str, object]:
    """The fields that say what the item is, apart from when it is offered."""
    return {name: value for name, value in state.fields.items() if name not in _NOT_SHOWN}
