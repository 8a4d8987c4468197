"""woocommerce: orders by an export plugin, one row a line item, and WooCommerce's own product export; folder or zip."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, Sheet
from features.reading.shops.html_text import html_column
from features.reading.shops.meeting import key_table
from features.reading.shops.order_events import as_numbers
from features.reading.shops.shop_files import Export, read_exports
from features.reading.shops.shop_tables import Products, shop_tables

ORDERS = Export(
    "orders of WooCommerce with one row a line item",
    {
        "order": ("orderid", "ordernumber", "ordernumberformatted", "order"),
        "email": ("emailbilling", "billingemail", "customeremail", "billingemailaddress", "customeraccountemailaddress",
                  "email"),
        "customer": ("customeruserid", "customeruser", "customerid", "userid"),
        "time": ("orderdate", "date", "datecreated", "orderdatetime", "datecreatedgmt", "paiddate"),
        "status": ("orderstatus", "status"),
        "product": ("productid", "itemproductid", "lineitemproductid"),
        "sku": ("sku", "itemsku", "productsku", "lineitemsku"),
        "name": ("itemname", "productname", "lineitemname", "producttitle", "name"),
        "quantity": ("quantityrefund", "quantity", "itemquantity", "qty", "lineitemquantity"),
        "price": ("itemcost", "itemprice", "productprice", "itemsubtotal", "lineitemprice"),
    },
    (("order",), ("time",), ("product", "sku", "name"), ("email", "customer")),
    "use an order export plugin with one row a line item, and the columns order number, order date, order status, "
    "billing e-mail (or customer id), SKU or item name, and quantity",
)  # fmt: skip
PRODUCTS = Export(
    "products of WooCommerce",
    {
        "id": ("id",),
        "type": ("type",),
        "sku": ("sku",),
        "title": ("name",),
        "short": ("shortdescription",),
        "long": ("description",),
        "regular_price": ("regularprice",),
        "sale_price": ("saleprice",),
        "categories": ("categories",),
        "tags": ("tags",),
        "image": ("images",),
        "parent": ("parent",),
        "brand": ("brands", "brand"),
    },
    (("id",), ("title",), ("type", "regular_price", "categories")),
    "export them by Products > Export, with all columns",
)
STATED_ONCE = ("user", "time", "status")
TAKEN_BACK = ("cancelled", "canceled", "refunded", "failed", "trash")


def read(path: Path, options: Options) -> RawTables:
    """Lines of orders as purchases of products (their id is the item), variations of a product as one item.

    Raises:
        UserError: no file is an export of orders, or a file that was named is another one.
    """
    orders, products, notes = read_exports(path, options, ORDERS, PRODUCTS)
    frame = orders.frame
    customer = pl.when(pl.col("customer") != "0").then("customer")
    by_email = frame.get_column("email").null_count() < frame.height
    notes.append(
        "users are the billing e-mails, so that guests count too" if by_email else "users are the ids of customers"
    )
    frame = frame.with_columns(user=pl.col("email") if by_email else customer, cancelled_at=pl.lit(None, pl.String))
    orders = orders.with_frame(frame.drop("email", "customer"))
    return shop_tables(orders, STATED_ONCE, TAKEN_BACK, _products(products) if products else None, options, notes)


def _products(sheet: Sheet) -> Products:
    """One row a product; a variation lends its SKU, title and price to its parent."""
    rows, notes = as_numbers(sheet.frame, ("regular_price", "sale_price"), "products")
    rows = rows.filter(pl.col("id").is_not_null()).with_columns(
        price=pl.coalesce("sale_price", "regular_price"), type=pl.col("type").str.to_lowercase().fill_null("")
    )
    by_sku = rows.filter(pl.col("sku").is_not_null()).unique("sku", keep="first").select(_sku="sku", _by_sku="id")
    named = rows.with_columns(_id=pl.col("parent").str.extract(r"^id:(\d+)$"))
    named = named.join(by_sku, left_on="parent", right_on="_sku", how="left", maintain_order="left")
    variation = pl.col("type").str.contains("variation")
    rows = named.with_columns(
        item_id=pl.when(variation).then(pl.coalesce("_id", "_by_sku", "id")).otherwise("id")
    ).drop("_id", "_by_sku")
    lowest = rows.filter(pl.col("price") > 0).group_by("item_id").agg(_lowest=pl.col("price").min())
    items = rows.filter(pl.col("item_id") == pl.col("id")).unique("item_id", keep="first", maintain_order=True)
    items = items.join(lowest, on="item_id", how="left", maintain_order="left")
    paths = pl.col("categories").str.replace_all(r"\\,", "\u0001").str.split(",")
    paths = paths.list.eval(pl.element().str.replace_all("\u0001", ",").str.strip_chars())
    levels = paths.list.join(">").str.split(">").list.eval(pl.element().str.strip_chars())
    tags = pl.col("tags").str.split(",").list.eval(pl.element().str.strip_chars())
    empty = pl.lit([], pl.List(pl.String))
    items = (
        items.select(
            "item_id",
            "title",
            html_column("short"),
            html_column("long"),
            "brand",
            price=pl.col("_lowest"),
            tags=pl.concat_list(levels.fill_null(empty), tags.fill_null(empty)).list.unique(maintain_order=True),
            category=paths.list.first().str.split(">").list.last().str.strip_chars(),
            image=pl.col("image").str.split(",").list.first().str.strip_chars(),
            **{FILE: pl.col(FILE), LINE: pl.col(LINE)},
        )
        .with_columns(description=pl.concat_str("short", "long", separator=" ", ignore_nulls=True))
        .drop("short", "long")
    )
    keys = key_table(rows, {"product": "id", "sku": "sku", "name": "title"})
    return Products(Sheet(items, sheet.shown, sheet.faults, notes=sheet.notes), keys, tuple(notes))
