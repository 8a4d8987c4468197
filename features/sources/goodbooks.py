"""goodbooks: goodbooks-10k, ratings.csv in the order of time, books.csv, and the readers' tags; zip or folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet
from features.reading.text_files import csv_sheet

AGAIN = "use the files of github.com/zygmuntz/goodbooks-10k"
N_TAGS = 10  # of a book, the most frequent ones
# shelves that say something about the reader, not about the book
SHELVES = (
    *("to-read", "currently-reading", "favorites", "favourites", "owned", "books-i-own", "owned-books", "library"),
    *("default", "my-books", "i-own", "to-buy", "wish-list", "kindle", "ebook", "ebooks", "audiobook", "audiobooks"),
    *("re-read", "read", "have-read", "did-not-finish", "dnf", "my-library", "my-bookshelf", "all-time-favorites"),
)


def read(path: Path, options: Options) -> RawTables:
    """Ratings without times (the row order gives one); books with authors and year as extra columns."""
    box = Archive.open(path)
    ratings = box.find("ratings.csv")
    if ratings is None:
        raise box.missing("ratings.csv", AGAIN)
    sheet = csv_sheet(box, ratings, ",").need("user_id", "book_id", "rating", remedy=AGAIN)
    sheets = {"interactions": sheet.take({"user_id": "user_id", "book_id": "item_id", "rating": "value"})}
    notes = ["goodbooks: ratings are in the order of time but carry none"]
    books = box.find("books.csv")
    if books is None:
        notes.append("no books.csv beside the ratings")
    else:
        sheets["items"] = _books(box, books)
    if box.find("to_read.csv") is not None:
        notes.append("to_read.csv is not taken: it has neither times nor a place in the order of the ratings")
    return assemble(sheets, options, notes)


def _books(box: Archive, name: str) -> Sheet:
    sheet = csv_sheet(box, name, ",").need("book_id", "title", "authors", remedy=AGAIN)
    # the first edition of the set counted books in `id` and called goodreads' number `book_id`
    first_edition = "goodreads_book_id" not in sheet.columns and "id" in sheet.columns
    key, goodreads = ("id", "book_id") if first_edition else ("book_id", "goodreads_book_id")
    ours = {key: "item_id", goodreads: "goodreads_book_id", "original_publication_year": "year"}
    ours = {theirs: our for theirs, our in ours.items() if theirs in sheet.columns}
    sheet = sheet.take(ours, rest=True)
    frame = (
        sheet.frame.with_columns(year=pl.col("year").str.replace(r"\.0$", ""))
        if "year" in sheet.columns
        else sheet.frame
    )
    tags, shelves = box.find("tags.csv"), box.find("book_tags.csv")
    if tags is not None and shelves is not None and "goodreads_book_id" in frame.columns:
        frame = frame.join(_tags(box, tags, shelves), on="goodreads_book_id", how="left", maintain_order="left")
    drop = [column for column in frame.columns if column.startswith(("ratings_", "work_", "small_", "best_"))]
    return sheet.with_frame(frame.drop(drop))


def _tags(box: Archive, tags: str, shelves: str) -> pl.DataFrame:
    """The most frequent tags of each book, then by name."""
    names = csv_sheet(box, tags, ",").need("tag_id", "tag_name", remedy=AGAIN).frame.select("tag_id", "tag_name")
    given = csv_sheet(box, shelves, ",").need("goodreads_book_id", "tag_id", "count", remedy=AGAIN).frame
    counted = (
        given.select("goodreads_book_id", "tag_id", pl.col("count").cast(pl.Int64, strict=False))
        .join(names.unique("tag_id", keep="first", maintain_order=True), on="tag_id")
        .filter(~pl.col("tag_name").is_in(SHELVES) & (pl.col("count") > 0))
        .sort(["goodreads_book_id", "count", "tag_name"], descending=[False, True, False])
    )
    return counted.group_by("goodreads_book_id", maintain_order=True).agg(
        tags=pl.col("tag_name").unique(maintain_order=True).head(N_TAGS)
    )
