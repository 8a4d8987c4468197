"""Item pictures: the address of each item's picture, kept in a release for pages that show items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from features.table import Table, write_parquet

FILE = "pictures.parquet"
# columns of an items table that name a picture, the best first (compared in lower case, `-` and blanks as `_`)
COLUMNS = (
    *("image_url", "image_link", "image_src", "image", "picture_url", "picture", "img_url", "img", "photo_url"),
    *("photo", "cover_url", "poster_url", "thumbnail_url", "thumbnail", "images", "pictures"),
)
HTTPS = r"^https://[^\s\"'<>\\|]{1,2000}$"  # nothing else may become the address of a picture in a page

PICTURES = Table("pictures", {"item_id": pl.String, "picture": pl.String}, key=("item_id",), required=("item_id",))


def pictures_of(items: pl.DataFrame) -> pl.DataFrame:
    """PICTURES of an items table: of each item the first https address in its picture columns; without those, none."""
    named = {name.lower().replace("-", "_").replace(" ", "_"): name for name in items.columns}
    columns = [_first_address(named[column], items.schema[named[column]]) for column in COLUMNS if column in named]
    addresses = [pl.when(column.str.contains(HTTPS)).then(column) for column in columns if column is not None]
    if not addresses:
        return PICTURES.empty()
    return items.select("item_id", picture=pl.coalesce(addresses)).drop_nulls("picture").sort("item_id")


def write_pictures(items: pl.DataFrame, folder: Path) -> None:
    """Writes pictures.parquet into a release's folder, unless no item has a picture."""
    pictures = pictures_of(items)
    if pictures.height:
        write_parquet(PICTURES.check(pictures, source="items"), folder / FILE)


def read_pictures(folder: Path, item_ids: Sequence[str]) -> list[str | None]:
    """(n_items,) the picture of each item of a vocabulary; empty where the folder has none."""
    if not (folder / FILE).is_file():
        return []
    addresses = dict(PICTURES.read(folder / FILE).iter_rows())
    return [addresses.get(item_id) for item_id in item_ids]


def _first_address(name: str, kind: pl.DataType) -> pl.Expr | None:
    """The column as one address a row: the first of a list, or of a text with several between `|` or blanks."""
    if kind == pl.List(pl.String):
        return pl.col(name).list.first()
    if kind == pl.String:
        return pl.col(name).str.strip_chars().str.extract(r"^([^\s|]+)").str.strip_chars_end(",")
    return None
