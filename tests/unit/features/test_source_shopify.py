"""shopify: exports of orders and products, small enough to write the tables down by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from features.errors import UserError
from features.importing.importer import import_source
from features.privacy.hashed_ids import IdHasher
from features.reading.raw_tables import Options, RawTables
from features.sources import shopify

ORDERS = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,\
Lineitem sku,Billing Name,Cancelled at,Id
#1001,Ada@Example.com,paid,2024-01-05 10:22:40 +0200,fulfilled,2024-01-05 10:22:33 +0200,\
2,Wool Hat - Red / S,19.90,HAT-R-S,A,,9001
#1001,,,,,,1,Wool Hat - Blue / M,19.90,HAT-B-M,,,
#1001,,,,,,1,Mug,8.00,,,,
#1002,bob@example.com,refunded,2024-01-06 09:00:05 -0500,,2024-01-06 09:00:00 -0500,1,Mug,8.00,MUG,B,,9002
#1003,,paid,2024-01-07 12:00:05 +0000,,2024-01-07 12:00:00 +0000,1,Old Scarf,12.00,SCARF,,,9003
#1004,bob@example.com,voided,,,2024-01-08 12:00:00 +0000,\
1,Wool Hat - Blue / M,19.90,'HAT-B-M,,2024-01-09 08:00:00 +0000,9004
"""
PRODUCTS = """\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Variant SKU,Variant Price,Image Src,Status
wool-hat,Wool Hat,"<p>Soft &amp; <b>warm</b></p><script>x()</script>",North,Apparel > Hats,Hats,"winter, wool",\
TRUE,Color,Red,Size,S,HAT-R-S,21.90,https://cdn.example/hat.jpg,active
wool-hat,,,,,,,,,Blue,,M,HAT-B-M,19.90,https://cdn.example/hat2.jpg,
wool-hat,,,,,,,,,,,,,,https://cdn.example/hat3.jpg,
mug,Mug,A mug,North,Home > Kitchen > Mugs,,,TRUE,Title,Default Title,,,MUG,8.00,,active
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders_export_1.csv").write_text(ORDERS)
    (tmp_path / "products_export.csv").write_text("\ufeff" + PRODUCTS)
    (tmp_path / "customers.csv").write_text("First Name,Email\nAda,ada@example.com\n")
    return tmp_path


def _rows(tables: RawTables) -> list[tuple[object, ...]]:
    return tables.interactions.select("user_id", "item_id", "timestamp", "event", "value").rows()


def test_rows_of_an_order_take_customer_and_time_from_its_first(folder: Path) -> None:
    tables = shopify.read(folder, Options())
    first = datetime(2024, 1, 5, 8, 22, 33, tzinfo=UTC)
    assert _rows(tables) == [
        ("ada@example.com", "wool-hat", first, "purchase", 3.0),  # two variants of one product
        ("ada@example.com", "mug", first, "purchase", 1.0),  # no SKU: met by its title
        ("bob@example.com", "mug", datetime(2024, 1, 6, 14, tzinfo=UTC), "cancel", 1.0),  # refunded
        ("guest:#1003", "SCARF", datetime(2024, 1, 7, 12, tzinfo=UTC), "purchase", 1.0),
        ("bob@example.com", "wool-hat", datetime(2024, 1, 9, 8, tzinfo=UTC), "cancel", 1.0),  # when it was cancelled
    ]


def test_variants_and_pictures_are_one_item_with_its_text(folder: Path) -> None:
    items = shopify.read(folder, Options()).items.sort("item_id")
    assert items.select("item_id", "title", "description", "tags", "category", "price").rows() == [
        ("SCARF", "Old Scarf", None, None, None, 12.0),  # no longer in the shop: what the orders say of it
        ("mug", "Mug", "A mug", None, "Mugs", 8.0),
        ("wool-hat", "Wool Hat", "Soft & warm", ["winter", "wool"], "Hats", 19.9),
    ]
    assert items["image"].to_list() == [None, None, "https://cdn.example/hat.jpg"]


def test_the_summary_tells_how_orders_met_products_and_who_is_a_guest(folder: Path) -> None:
    notes = "\n".join(shopify.read(folder, Options()).notes)
    assert "5 of 6 order lines (83%) met a product: 4 by SKU, 1 by title" in notes
    assert "1 order lines met no product (e.g. ['Old Scarf'])" in notes
    assert "1 of 4 orders (25%) name no customer" in notes
    assert "2 lines of cancelled or refunded orders are `cancel`" in notes
    assert "orders by status: 2 paid, 1 refunded, 1 voided" in notes
    assert "files not taken: ['customers.csv']" in notes


def test_the_exports_may_be_named_one_by_one_and_have_newer_column_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ORDERS.replace("Lineitem sku", "Lineitem SKU").replace("Cancelled", "Canceled"))
    newer = {"Handle": "URL handle", "Body (HTML)": "Description", "Variant SKU": "SKU", "Variant Price": "Price"}
    text = PRODUCTS
    for old, new in newer.items():
        text = text.replace(old, new, 1)
    (tmp_path / "b.csv").write_text(text)
    tables = shopify.read(tmp_path, Options(files={"interactions": tmp_path / "a.csv", "items": tmp_path / "b.csv"}))
    assert tables.interactions["item_id"].to_list() == ["wool-hat", "mug", "mug", "SCARF", "wool-hat"]


def test_orders_alone_are_enough(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    tables = shopify.read(tmp_path / "orders.csv", Options())
    assert tables.interactions["item_id"].to_list() == [
        *("wool-hat-red-s", "wool-hat-blue-m", "mug", "mug", "old-scarf", "wool-hat-blue-m")
    ]
    assert tables.items.filter(item_id="mug").select("title", "price").row(0) == ("Mug", 8.0)
    assert any("no products: the title of an order line is its item" in note for note in tables.notes)


def test_an_order_in_two_exports_counts_once_and_a_split_one_whole(tmp_path: Path) -> None:
    lines = ORDERS.splitlines(keepends=True)
    (tmp_path / "orders_1.csv").write_text("".join(lines[:3]))  # ends within order 1001
    (tmp_path / "orders_2.csv").write_text("".join([lines[0], *lines[3:5]]))
    (tmp_path / "orders_3.csv").write_text("".join([lines[0], lines[4].replace("refunded", "paid")]))
    tables = shopify.read(tmp_path, Options())
    assert tables.interactions.select("user_id", "event").rows() == [
        ("ada@example.com", "purchase"),
        ("ada@example.com", "purchase"),
        ("ada@example.com", "purchase"),
        ("bob@example.com", "purchase"),  # as the later file says
    ]


def test_another_file_is_named_with_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"products_export.csv: no column for \['order number', 'e-mail', 'order date', 'SKU or item name'\]",
    ):
        shopify.read(folder, Options(files={"interactions": folder / "products_export.csv"}))
    (folder / "orders_export_1.csv").unlink()
    with pytest.raises(UserError, match="no file with orders of Shopify there"):
        shopify.read(folder, Options())


def test_with_hashed_ids_no_file_of_the_import_holds_an_email(folder: Path, tmp_path: Path) -> None:
    broken = ORDERS + "#1005,eve@example.com,paid,,,yesterday,1,Mug,8.00,MUG,,,\n#1006,mallory@example.com,too,few\n"
    (folder / "orders_export_1.csv").write_text(broken + "".join(ORDERS.splitlines(keepends=True)[4:5]) * 40)
    hasher = IdHasher("a key of the test, long enough")
    target = tmp_path / "raw"
    import_source("shopify", folder, {"hasher": hasher, "bad_share": 0.9}, target, False, None)
    for path in target.rglob("*"):
        content = path.read_bytes().lower() if path.suffix == ".json" else _as_text(path)
        assert b"@example.com" not in content, path
    users = shopify.read(folder, Options(hasher=hasher, bad_share=0.9)).interactions["user_id"]
    assert users[0] == hasher("ada@example.com")


def _as_text(path: Path) -> bytes:
    return pl.read_parquet(path).write_ndjson().encode().lower()
