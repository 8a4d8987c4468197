"""csv: exports of spreadsheets, shops and web analytics as they come, with guesses that are told or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import UserError
from features.reading.raw_tables import Options, RawTables
from features.sources import csv


def _read(root: Path, text: str, items: str = "", options: Options | None = None) -> RawTables:
    files = {"interactions": root / "anything at all.csv"}
    files["interactions"].write_text(text)
    if items:
        files["items"] = root / "goods.txt"
        files["items"].write_text(items)
    given = options or Options()
    return csv.read(files["interactions"], Options(**{**vars(given), "files": files}))


def test_a_spreadsheet_of_invoices_is_guessed_and_its_dates_are_read(tmp_path: Path) -> None:
    tables = _read(
        tmp_path,
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,Customer ID,Country\n"
        "536365,85123A,HEART HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
        "536370,22728,ALARM CLOCK,24,12/13/2010 8:45,3.75,12583,France\n",
        "Stock Code;Description;Unit Price\n85123A;Heart holder;2,55 €\n22728;Alarm clock;1.003,75 €\n",
    )
    assert tables.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("17850", "85123A", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("12583", "22728", datetime(2010, 12, 13, 8, 45, tzinfo=UTC)),
    ]
    assert tables.items.select("item_id", "description", "price").rows() == [
        ("85123A", "Heart holder", 2.55),
        ("22728", "Alarm clock", 1003.75),
    ]
    notes = "\n".join(tables.notes)
    assert "guessed columns: user_id = Customer ID, item_id = StockCode, timestamp = InvoiceDate" in notes
    assert "items, column 'price': 2 cells such as '2,55 €' are read as amounts with a decimal comma" in notes


def test_dates_that_may_be_day_or_month_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"column 'timestamp' holds dates such as '1/2/2024', and no row tells"):
        _read(tmp_path, "user,item,date\n1,a,1/2/2024\n2,b,3/4/2024\n")


def test_rows_of_an_order_are_filled_from_its_first_row(tmp_path: Path) -> None:
    text = "Order No,Customer,Order Date,SKU\n1,ann,2024-01-01,a\n1,,,b\n2,,2024-01-02,a\n3,ben,2024-01-03,c\n"
    tables = _read(tmp_path, text, options=Options(bad_share=0.3))
    assert tables.interactions.select("user_id", "item_id").rows() == [("ann", "a"), ("ann", "b"), ("ben", "c")]
    assert tables.quarantine["line"].to_list() == [4]  # order 2 names no customer: it takes none from order 1
    assert any("2 blank cells of ['Customer', 'Order Date'] are filled" in note for note in tables.notes)


def test_a_row_takes_nothing_from_another_order_or_from_one_further_up(tmp_path: Path) -> None:
    text = "Order No,Customer,Order Date,SKU\n1,ann,2024-01-01,a\n2,ben,2024-01-02,a\n1,,2024-01-03,b\n"
    tables = _read(tmp_path, text, options=Options(bad_share=0.4))
    assert tables.interactions["user_id"].to_list() == ["ann", "ben"]


def test_a_file_may_begin_with_the_separator_as_excel_writes_it(tmp_path: Path) -> None:
    tables = _read(tmp_path, "sep=;\r\nuser;item;value\r\n1;a,b;3,5\r\n")
    assert tables.interactions.select("user_id", "item_id", "value").rows() == [("1", "a,b", 3.5)]


def test_the_column_of_orders_may_be_named(tmp_path: Path) -> None:
    text = "basket,customer,time,sku\n1,ann,2024-01-01,a\n1,,,b\n"
    assert _read(tmp_path, text, options=Options(order_column="basket")).interactions.height == 2
    with pytest.raises(UserError, match="no column 'bask' as --fill-down says"):
        _read(tmp_path, text, options=Options(order_column="bask"))


def test_shopify_orders_are_guessed_from_csv_too(tmp_path: Path) -> None:
    tables = _read(
        tmp_path,
        "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem sku\n"
        "#1,a@b.example,2024-01-05 10:22:33 +0200,1,Hat,H\n#1,,,1,Mug,M\n",
    )
    first = datetime(2024, 1, 5, 8, 22, 33, tzinfo=UTC)
    assert tables.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("a@b.example", "H", first),
        ("a@b.example", "M", first),
    ]


def test_events_of_web_analytics_lose_their_comments_and_those_without_an_item(tmp_path: Path) -> None:
    tables = _read(
        tmp_path,
        "# ----------------------------------------\n# Purchases, by item\n# 20240101-20240131\n\n"
        "event_date,event_timestamp,event_name,user_id,user_pseudo_id,items.item_id\n"
        "20240105,1704450153000000,page_view,,11.22,\n"
        "20240105,1704450154000000,view_item,,11.22,SKU1\n"
        "20240105,1704450155000000,purchase,,33.44,SKU1\n"
        "20240105,oops,purchase,,33.44,SKU1\n",
        options=Options(bad_share=0.5),
    )
    assert tables.interactions.select("user_id", "item_id", "event", "timestamp").rows() == [
        ("11.22", "SKU1", "view_item", datetime(2024, 1, 5, 10, 22, 34, tzinfo=UTC)),
        ("33.44", "SKU1", "purchase", datetime(2024, 1, 5, 10, 22, 35, tzinfo=UTC)),
    ]
    assert tables.quarantine["line"].to_list() == [9]
    assert any("1 of 4 events name no item and are left out (1 'page_view')" in note for note in tables.notes)


def test_days_written_as_eight_digits_are_days(tmp_path: Path) -> None:
    tables = _read(tmp_path, "user,item,date\n1,a,20240531\n2,b,20240601\n")
    assert tables.interactions["timestamp"][0] == datetime(2024, 5, 31, tzinfo=UTC)


def test_commas_part_tags_where_no_bar_does_and_that_is_told(tmp_path: Path) -> None:
    tables = _read(tmp_path, "user,item\n1,a\n", 'item,tags\na,"red, blue"\nb,green\n')
    assert tables.items["tags"].to_list() == [["red", "blue"], ["green"]]
    assert any("items, column 'tags': no cell holds a '|', so commas part the lists" in note for note in tables.notes)
    barred = _read(tmp_path, "user,item\n1,a\n", 'item,tags\na,"red, blue"\nb,green|big\n')
    assert barred.items["tags"].to_list() == [["red, blue"], ["green", "big"]]


def test_two_columns_of_one_meaning_are_refused_by_name(tmp_path: Path) -> None:
    text = "Customer ID,Client ID,SKU,time\n1,9,a,1600000000\n"
    with pytest.raises(UserError, match=r"2 columns could be 'user_id': \['Customer ID', 'Client ID'\]; say which"):
        _read(tmp_path, text)
    tables = _read(tmp_path, text, options=Options(columns={"user_id": "Client ID"}))
    assert tables.interactions["user_id"].to_list() == ["9"]


def test_items_are_joined_by_the_column_that_the_interactions_use(tmp_path: Path) -> None:
    tables = _read(tmp_path, "user,sku\n1,x\n", "Product ID,SKU,Name\n77,x,Hat\n")
    assert tables.items.select("item_id", "title").rows() == [("x", "Hat")]


def test_a_column_may_have_one_value_in_all_rows(tmp_path: Path) -> None:
    tables = _read(tmp_path, "user,item,event\n1,a,x\n2,b,y\n", options=Options(constants={"event": "purchase"}))
    assert tables.interactions["event"].to_list() == ["purchase", "purchase"]
    assert any("event is 'purchase' in all rows as --set says" in note for note in tables.notes)
    with pytest.raises(UserError, match=r"'user_id' cannot be set; there are \['event', 'value'\]"):
        _read(tmp_path, "user,item\n1,a\n", options=Options(constants={"user_id": "me"}))
