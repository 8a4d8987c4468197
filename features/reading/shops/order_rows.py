"""Order rows: exports with one row a line item that state customer and time on the first row of each order only."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.reading.shops.headers import blank_is_null, plain_name

ORDER_NAMES = (
    *("orderid", "ordernumber", "orderno", "ordername", "orderref", "orderreference", "ordernumberformatted"),
    *("invoiceno", "invoicenumber", "invoiceid", "invoice", "transactionid", "receiptnumber"),
)


def order_column(columns: Sequence[str]) -> str | None:
    """The column that names the order of each row, where there is one that is usually called so."""
    by_name = {plain_name(column): column for column in reversed(columns)}
    if any(name.startswith("lineitem") for name in by_name) and "name" in by_name:
        return by_name["name"]  # Shopify calls an order's number so
    return next((by_name[name] for name in ORDER_NAMES if name in by_name), None)


def fill_down(frame: pl.DataFrame, order: str, columns: Sequence[str]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Blank cells of `columns` filled from the rows right above of the same order; how many cells of each that were."""
    key = blank_is_null(order)
    run = key.rle_id()
    filled = frame.with_columns(
        pl.when(key.is_not_null()).then(_there(frame, name).forward_fill().over(run)).otherwise(_there(frame, name))
        for name in columns
        if name != order
    )
    blank = frame.select(_there(frame, name).is_null().sum().alias(name) for name in columns if name != order)
    n_filled = {name: int(blank.item(0, name)) - filled.get_column(name).null_count() for name in blank.columns}
    return filled, {name: n for name, n in n_filled.items() if n}


def _there(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A cell, null where it is blank."""
    if frame.schema[name] != pl.String:
        return pl.col(name)
    return pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name)).alias(name)
