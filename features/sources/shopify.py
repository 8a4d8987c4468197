"""shopify: the exports of orders and of products from Shopify's admin; folder, zip or the orders alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, Sheet
from features.reading.shops.headers import plain_name
from features.reading.shops.html_text import html_column
from features.reading.shops.meeting import key_table
from features.reading.shops.order_events import as_numbers
from features.reading.shops.shop_files import Export, read_exports
from features.reading.shops.shop_tables import Products, shop_tables

ORDERS = Export(
    "orders of Shopify",
    {
        "order": ("name", "ordername"),
        "user": ("email", "customeremail"),
        "time": ("createdat", "paidat"),
        "status": ("financialstatus",),
        "cancelled_at": ("cancelledat", "canceledat"),
        "product": ("lineitemhandle", "lineproducthandle"),
        "sku": ("lineitemsku",),
        "name": ("lineitemname", "lineitemtitle"),
        "quantity": ("lineitemquantity",),
        "price": ("lineitemprice",),
    },
    (("order",), ("user",), ("time",), ("sku", "name")),
    "export them in Shopify's admin by Orders > Export, as plain csv",
)
PRODUCTS = Export(
    "products of Shopify",
    {
        "item_id": ("handle", "urlhandle"),
        "title": ("title",),
        "description": ("bodyhtml", "description"),
        "vendor": ("vendor",),
        "product_category": ("productcategory", "standardizedproducttype"),
        "type": ("type", "customproducttype"),
        "tags": ("tags",),
        "sku": ("variantsku", "sku"),
        "price": ("variantprice", "price"),
        "option_1": ("option1value",),
        "option_2": ("option2value",),
        "option_3": ("option3value",),
        "image": ("imagesrc", "productimageurl"),
    },
    (("item_id",), ("title",)),
    "export them in Shopify's admin by Products > Export, as plain csv",
)
STATED_ONCE = ("user", "time", "status", "cancelled_at")
TAKEN_BACK = ("refunded", "voided", "expired")
NO_OPTION = plain_name("Default Title")


def read(path: Path, options: Options) -> RawTables:
    """Lines of orders as purchases of products (their handle is the item), variants of a product as one item.

    Raises:
        UserError: no file is an export of orders, or a file that was named is another one.
    """
    orders, products, notes = read_exports(path, options, ORDERS, PRODUCTS)
    return shop_tables(orders, STATED_ONCE, TAKEN_BACK, _products(products) if products else None, options, notes)


def _products(sheet: Sheet) -> Products:
    """One row a handle: its text from the first row that states it, its lowest price above 0, its first picture."""
    rows, notes = as_numbers(sheet.frame, ("price",), "products")
    first = ("title", "description", "vendor", "product_category", "type", "tags", "image")
    items = (
        rows.filter(pl.col("item_id").is_not_null())
        .group_by("item_id", maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().first() for name in first),
            price=pl.col("price").filter(pl.col("price") > 0).min(),
            **{FILE: pl.col(FILE).first(), LINE: pl.col(LINE).first()},
        )
    )
    taxonomy = pl.col("product_category").str.split(">").list.last().str.strip_chars()
    tags = pl.col("tags").str.split(",").list.eval(pl.element().str.strip_chars())
    items = items.with_columns(html_column("description"), tags=tags, category=pl.coalesce("type", taxonomy)).drop(
        "product_category", "type"
    )
    titles = rows.join(items.select("item_id", _title="title"), on="item_id", how="left", maintain_order="left")
    chosen = [
        pl.when(pl.col(name).str.to_lowercase().str.replace_all(r"\s", "") != NO_OPTION).then(pl.col(name))
        for name in ("option_1", "option_2", "option_3")
    ]
    variant = pl.concat_str(chosen, separator=" / ", ignore_nulls=True)
    titles = titles.with_columns(
        _variant=pl.when(variant != "").then(pl.concat_str("_title", pl.lit(" - "), variant)).otherwise("_title")
    )
    keys = pl.concat(
        [
            key_table(titles, {"product": "item_id", "sku": "sku", "name": "_variant"}),
            key_table(titles, {"name": "_title"}),
        ]
    ).unique(maintain_order=True)
    return Products(Sheet(items, sheet.shown, sheet.faults, notes=sheet.notes), keys, tuple(notes))
