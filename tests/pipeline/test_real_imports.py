"""Real orders in the shape of a spreadsheet: the same interactions as from the clean table."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from features.importing.importer import import_source

pytestmark = pytest.mark.soak
COLUMNS = ["user_id", "item_id", "timestamp", "event"]


def test_online_retail_as_a_spreadsheet_of_invoices_gives_the_rows_of_the_table(tmp_path: Path) -> None:
    cache = os.environ.get("RECOPS_DATA_CACHE")
    if not cache or not (Path(cache) / "online-retail").is_dir():
        pytest.skip("RECOPS_DATA_CACHE names no folder with online-retail")
    table = Path(cache) / "online-retail"
    rows = pl.read_parquet(table / "interactions.parquet")
    when = pl.from_epoch("timestamp", time_unit="s")
    clock = [
        when.dt.month(),
        when.dt.day(),
        when.dt.year(),
        when.dt.hour(),
        when.dt.minute().cast(pl.String).str.zfill(2),
    ]
    sheet = rows.select(
        pl.col("invoice").alias("Invoice No"),
        pl.col("item_id").alias("Stock Code"),
        pl.format("{}/{}/{} {}:{}", *clock).alias("Invoice Date"),
        (pl.lit("£") + pl.col("unit_price").cast(pl.String)).alias("Unit Price"),
        pl.col("user_id").alias("Customer ID"),
        pl.col("event").alias("Event"),
    )
    stated = pl.struct("Invoice No", "Invoice Date", "Customer ID").rle_id()
    sheet = sheet.with_columns(
        pl.when(stated != stated.shift(1, fill_value=-1)).then(pl.col(name)).alias(name)
        for name in ("Invoice Date", "Customer ID")
    )
    sheet.write_csv(tmp_path / "Sales 2011.csv")
    pl.read_parquet(table / "items.parquet").rename({"item_id": "Stock Code"}).write_csv(tmp_path / "stock.csv")
    files = {"interactions": tmp_path / "Sales 2011.csv", "items": tmp_path / "stock.csv"}
    report = import_source("csv", None, {"files": files}, tmp_path / "sheet", False, None)
    assert report.sizes["users_with_interactions"] == rows["user_id"].n_unique()
    import_source("parquet", table, {}, tmp_path / "table", False, None)
    of_sheet, of_table = (
        pl.read_parquet(tmp_path / name / "interactions.parquet").select(COLUMNS).unique().sort(COLUMNS)
        for name in ("sheet", "table")
    )
    assert of_sheet.equals(of_table)
