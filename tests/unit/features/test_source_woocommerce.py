"""woocommerce: orders of export plugins and the product export, small enough to write the tables down by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import UserError
from features.reading.raw_tables import Options
from features.sources import woocommerce

ORDERS = """\
Order Number,Order Status,Order Date,Email (Billing),SKU,Item #,Item Name,Quantity (- Refund),Item Cost
501,Completed,2024-03-01 10:00,Ann@example.com,TEE-S,1,Tee - Small,2,"12,50"
501,,,,BOWL,2,Bowl,1,"5,00"
502,wc-refunded,2024-03-02 11:30,ben@example.com,BOWL,1,Bowl,1,"5,00"
503,Processing,2024-03-03 12:00,ann@example.com,,1,Bowl,0,"5,00"
504,On hold,2024-03-04 12:00,,GONE,1,Gone,1,"7,00"
"""
PRODUCTS = """\
ID,Type,SKU,Name,Published,Short description,Description,Sale price,Regular price,Categories,Tags,Images,Parent
10,variable,TEE,Tee,1,<p>Cotton</p>,"<p>Made of <em>cotton</em></p>",,,\
"Clothing > Shirts, Sale\\, last","summer, soft","https://s.example/1.jpg, https://s.example/2.jpg",
11,variation,TEE-S,Tee - Small,1,,,"11,00","12,50",,,,TEE
12,variation,TEE-M,Tee - Medium,1,,,,"12,50",,,,id:10
20,simple,BOWL,Bowl,1,,A bowl,,"5,00",Kitchen,,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "wc-product-export.csv").write_text(PRODUCTS)
    return tmp_path


def test_order_lines_become_purchases_of_products_and_what_was_taken_back_a_cancel(folder: Path) -> None:
    tables = woocommerce.read(folder, Options())
    assert tables.interactions.select("user_id", "item_id", "timestamp", "event", "value").rows() == [
        ("ann@example.com", "10", datetime(2024, 3, 1, 10, tzinfo=UTC), "purchase", 2.0),
        ("ann@example.com", "20", datetime(2024, 3, 1, 10, tzinfo=UTC), "purchase", 1.0),
        ("ben@example.com", "20", datetime(2024, 3, 2, 11, 30, tzinfo=UTC), "cancel", 1.0),
        ("ann@example.com", "20", datetime(2024, 3, 3, 12, tzinfo=UTC), "cancel", 0.0),  # the line was refunded whole
        ("guest:504", "GONE", datetime(2024, 3, 4, 12, tzinfo=UTC), "purchase", 1.0),
    ]
    assert any("4 of 5 order lines (80%) met a product: 3 by SKU, 1 by title" in note for note in tables.notes)


def test_variations_are_their_product_with_its_categories_as_tags(folder: Path) -> None:
    items = woocommerce.read(folder, Options()).items
    assert items.select("item_id", "title", "description", "tags", "category", "price", "image").rows() == [
        (
            *("10", "Tee", "Cotton Made of cotton", ["Clothing", "Shirts", "Sale, last", "summer", "soft"], "Shirts"),
            *(11.0, "https://s.example/1.jpg"),
        ),
        ("20", "Bowl", "A bowl", ["Kitchen"], "Kitchen", 5.0, None),
        ("GONE", "Gone", None, None, None, 7.0, None),
    ]


def test_ids_of_products_and_customers_are_taken_where_a_plugin_gives_them(folder: Path) -> None:
    (folder / "orders.csv").write_text(
        "order_id,date,status,customer_id,item_product_id,item_name,item_quantity\n"
        "1,2024-03-01 10:00:00,completed,7,10,Tee of old,1\n"
        "2,2024-03-02 10:00:00,completed,0,20,Bowl,1\n"
    )
    tables = woocommerce.read(folder, Options())
    assert tables.interactions.select("user_id", "item_id").rows() == [("7", "10"), ("guest:2", "20")]
    assert any("users are the ids of customers" in note for note in tables.notes)


def test_orders_with_all_products_in_one_row_are_refused_with_what_is_needed(folder: Path) -> None:
    (folder / "orders.csv").write_text("order_id,order_date,billing_email,line_item_1\n1,2024-03-01,a@b.c,Tee x1\n")
    with pytest.raises(
        UserError, match=r"orders.csv has no column for \['product id or SKU or item name'\]; use an order"
    ):
        woocommerce.read(folder, Options())
