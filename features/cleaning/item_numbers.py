"""Item numbers: the numeric columns of ITEMS beside the usual ones, such as a year, a weight or a duration."""

from __future__ import annotations

import polars as pl

from features.schema import ITEMS

MOST = 50  # columns that are kept


def item_numbers(items: pl.DataFrame, catalogue: pl.DataFrame) -> pl.DataFrame | None:
    """item_id and each further numeric column as Float64, one row an item of the catalogue, in its order; what is not
    finite is null. None: there is no such column."""
    names = [name for name, kind in items.schema.items() if name not in ITEMS.columns and kind.is_numeric()][:MOST]
    if not names:
        return None
    finite = [
        pl.when(pl.col(name).cast(pl.Float64).is_finite()).then(pl.col(name).cast(pl.Float64)).alias(name)
        for name in names
    ]
    return catalogue.select("item_id").join(
        items.select("item_id", *finite), on="item_id", how="left", maintain_order="left"
    )
