"""Shop tables: order lines and products of any shop as the sheets of an import."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import polars as pl

from features.reading.assemble import assemble
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, Sheet
from features.reading.shops.meeting import meet
from features.reading.shops.order_events import as_numbers, order_events
from features.reading.shops.order_rows import fill_down
from features.reading.shops.shop_files import without_repeats

KEYS = {"kind": pl.String, "key": pl.String, "item_id": pl.String}


@dataclass(frozen=True)
class Products:
    """`sheet`: items, columns as ours; `keys`: (kind, key, item_id), by which order lines meet them."""

    sheet: Sheet
    keys: pl.DataFrame
    notes: tuple[str, ...] = ()


def shop_tables(
    orders: Sheet,
    stated_once: Sequence[str],
    taken_back: Collection[str],
    products: Products | None,
    options: Options,
    notes: Sequence[str],
) -> RawTables:
    """The raw tables of a shop.

    orders: columns order, user, time, status, cancelled_at, product, sku, name, quantity, price as text;
    stated_once: those that the export fills on the first row of an order only; taken_back: see `order_events`.
    """
    lines, n_again = without_repeats(orders.frame, "time")
    lines, n_filled = fill_down(lines, "order", stated_once)
    notes = [*notes, *(products.notes if products else ())]
    if n_again:
        notes.append(f"{n_again:,} orders are in several files; the last file's rows are taken")
    if n_filled:
        n_cells = sum(n_filled.values())
        notes.append(f"{n_cells:,} blank cells of order rows are filled from the first row of their order")
    lines, more = as_numbers(lines, ("quantity", "price"), "orders")
    notes += more
    keys = products.keys if products else pl.DataFrame(schema=KEYS)
    lines, more = meet(lines, keys, products=products is not None)
    notes += more
    rows, more = order_events(lines, taken_back)
    notes += more
    items = _items(products, lines)
    sheets = {"interactions": replace(orders, frame=rows, textual=False)}
    if items is not None:
        sheets["items"] = items
    return assemble(sheets, options, notes)


def _items(products: Products | None, lines: pl.DataFrame) -> Sheet | None:
    """The products, and a row with title and median price for each item that only the orders know."""
    alone = lines.filter(~pl.col("met"), pl.col("item_id").is_not_null())
    if products is not None:
        alone = alone.join(products.sheet.frame.select("item_id"), on="item_id", how="anti", maintain_order="left")
    made = alone.group_by("item_id", maintain_order=True).agg(
        title=pl.col("name").drop_nulls().first(),
        price=pl.col("price").filter(pl.col("price") > 0).median(),
        **{FILE: pl.col(FILE).first(), LINE: pl.col(LINE).first()},
    )
    if products is None:
        return Sheet(made, "the order lines") if made.height else None
    frame = pl.concat([products.sheet.frame, made], how="diagonal_relaxed") if made.height else products.sheet.frame
    return products.sheet.with_frame(frame)
