"""Shop files: which of the given files hold orders and which products, told by their headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.raw_tables import Options
from features.reading.sheet import FILE, Sheet, join_sheets
from features.reading.shops.headers import blank_is_null, pick
from features.reading.text_files import csv_sheet

ENDINGS = ("*.csv", "*.tsv", "*.txt")
WORDS = {  # what people call our fields
    "order": "order number",
    "user": "e-mail",
    "email": "e-mail",
    "customer": "customer id",
    "time": "order date",
    "product": "product id",
    "sku": "SKU",
    "name": "item name",
    "item_id": "handle",
}
Spellings = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Export:
    """What a shop calls the columns of its export, and which of them it cannot do without."""

    what: str
    spellings: Spellings
    obligatory: tuple[tuple[str, ...], ...]
    again: str

    def fits(self, columns: Sequence[str]) -> bool:
        """Whether a header is one of this export: of each obligatory group one field is there."""
        return not self.missing(columns)

    def missing(self, columns: Sequence[str]) -> list[str]:
        """The groups of fields of which none is there, in words."""
        there = pick(columns, self.spellings)
        lacking = [group for group in self.obligatory if not there.keys() & set(group)]
        return [" or ".join(WORDS.get(field, field) for field in group) for group in lacking]

    def sheet(self, files: Sequence[Sheet]) -> Sheet:
        """The files as one sheet of our fields, blank cells null; fields that no file has are null throughout."""
        renamed = []
        for sheet in files:
            columns = pick(sheet.columns, self.spellings)
            hidden = [name for name in sheet.frame.columns if name.startswith("_")]
            frame = sheet.frame.select(
                *(blank_is_null(theirs).alias(ours) for ours, theirs in columns.items()),
                *(pl.lit(None, pl.String).alias(ours) for ours in self.spellings if ours not in columns),
                *hidden,
            )
            renamed.append(sheet.with_frame(frame.select(*self.spellings, *hidden)))
        return join_sheets(renamed)


def read_exports(
    path: Path, options: Options, orders: Export, products: Export
) -> tuple[Sheet, Sheet | None, list[str]]:
    """The sheets of orders and (where given) products, and sentences about the files.

    Raises:
        UserError: no file holds orders, or a file that the caller names has other columns.
    """
    if options.files:
        given = {name: _given(file, orders if name == "interactions" else products) for name, file in _two(options)}
        return orders.sheet(given["interactions"]), products.sheet(given["items"]) if "items" in given else None, []
    box = Archive.open(path)
    names = list(box.names) if box.single else box.find_all(*ENDINGS)
    sheets = {name: csv_sheet(box, name) for name in names}
    of_orders = [name for name, sheet in sheets.items() if orders.fits(sheet.columns)]
    of_products = [name for name, sheet in sheets.items() if name not in of_orders and products.fits(sheet.columns)]
    if not of_orders:
        raise box.missing(f"file with {orders.what}", _remedy(orders, sheets))
    notes = [f"orders: {_listed(of_orders)}; products: {_listed(of_products) if of_products else 'none'}"]
    left = sorted(set(box.names) - {*of_orders, *of_products})
    notes += [f"files not taken: {left[:12]}{' and more' if len(left) > 12 else ''}"] if left else []
    shop_products = products.sheet([sheets[name] for name in of_products]) if of_products else None
    return orders.sheet([sheets[name] for name in of_orders]), shop_products, notes


def _two(options: Options) -> list[tuple[str, Path]]:
    more = sorted(set(options.files) - {"interactions", "items"})
    if more:
        raise UserError(
            f"--{more[0]}: a shop's import reads orders (--interactions) and products (--items); leave it away"
        )
    return list(options.files.items())


def _given(file: Path, export: Export) -> list[Sheet]:
    box = Archive.open(file)
    names = list(box.names) if box.single else box.find_all(*ENDINGS)
    sheets = [csv_sheet(box, name) for name in names]
    for sheet in sheets:
        if missing := export.missing(sheet.columns):
            raise UserError(
                f"{sheet.shown}: no column for {missing}, so it holds no {export.what}; there are "
                f"{sheet.columns[:12]}{' and more' if len(sheet.columns) > 12 else ''}; {export.again}"
            )
    if not sheets:
        raise box.missing(f"file with {export.what}", export.again)
    return sheets


def _remedy(orders: Export, sheets: Mapping[str, Sheet]) -> str:
    """What the nearest file lacks."""
    if not sheets:
        return orders.again
    name, sheet = min(sheets.items(), key=lambda pair: len(orders.missing(pair[1].columns)))
    return f"{name} has no column for {orders.missing(sheet.columns)}; {orders.again}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def without_repeats(frame: pl.DataFrame, stated: str) -> tuple[pl.DataFrame, int]:
    """Order rows without the orders that a later file holds again (overlapping exports); how many orders those were.

    `stated`: a column that every order's first row fills, so that a file that begins within an order is no repeat.
    """
    if frame.get_column(FILE).n_unique() < 2:
        return frame, 0
    firsts = (
        frame.filter(pl.col(stated).is_not_null())
        .group_by("order")
        .agg(n=pl.col(FILE).n_unique(), last=pl.col(FILE).sort().last())
    )
    again = firsts.filter(pl.col("n") > 1, pl.col("order").is_not_null()).select("order", "last")
    kept = frame.join(again, on="order", how="left", maintain_order="left")
    return kept.filter(pl.col("last").is_null() | (pl.col("last") == pl.col(FILE))).drop("last"), again.height
