"""Facts of items: the columns of the catalogue that a model is given, without the item's id."""

from __future__ import annotations

from typing import Any

import polars as pl

COLUMNS = ("title", "description", "category", "tags", "price")


def item_facts(items: pl.DataFrame) -> list[dict[str, Any]]:
    """What is known of each item, by the names of COLUMNS; what is missing is left out."""
    rows = items.select(COLUMNS).iter_rows(named=True)
    return [{name: value for name, value in row.items() if value not in (None, "", [])} for row in rows]
