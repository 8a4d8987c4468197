"""goodbooks-10k on files small enough to write the tables down by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from features.reading.raw_tables import Options
from features.sources.goodbooks import read

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RATINGS = b"user_id,book_id,rating\n1,258,5\n2,4081,4\n1,4081,3\n"
BOOKS = (
    b"book_id,goodreads_book_id,authors,original_publication_year,title,language_code,ratings_count\n"
    b'258,2767052,"Collins, Suzanne",2008.0,"The Hunger Games (The Hunger Games, #1)",eng,10\n'
    b"4081,3,J.K. Rowling,-720.0,Harry Potter,eng,20\n"
)
TAGS = b"tag_id,tag_name\n1,to-read\n2,fantasy\n3,dystopia\n4,abc\n"
BOOK_TAGS = b"goodreads_book_id,tag_id,count\n2767052,1,900\n2767052,2,5\n2767052,3,7\n2767052,4,5\n"


def _folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def test_the_row_order_gives_an_artificial_time(tmp_path: Path) -> None:
    tables = read(_folder(tmp_path, {"ratings.csv": RATINGS}), Options())
    assert tables.artificial_time
    assert tables.interactions.select("user_id", "item_id", "value", "timestamp").rows() == [
        ("1", "258", 5.0, EPOCH),
        ("2", "4081", 4.0, EPOCH + timedelta(seconds=1)),
        ("1", "4081", 3.0, EPOCH + timedelta(seconds=2)),
    ]
    assert any("row order gives an artificial time" in note for note in tables.notes)


def test_books_have_their_readers_tags_without_shelves(tmp_path: Path) -> None:
    files = {"ratings.csv": RATINGS, "books.csv": BOOKS, "tags.csv": TAGS, "book_tags.csv": BOOK_TAGS}
    tables = read(_folder(tmp_path, files), Options())
    assert tables.items.select("item_id", "title", "authors", "year", "tags").rows() == [
        (
            "258",
            "The Hunger Games (The Hunger Games, #1)",
            "Collins, Suzanne",
            2008,
            ["dystopia", "abc", "fantasy"],  # 7, then 5 and 5 by name; `to-read` is a shelf
        ),
        ("4081", "Harry Potter", "J.K. Rowling", -720, None),
    ]
    assert "ratings_count" not in tables.items.columns


def test_the_first_edition_counts_books_in_id(tmp_path: Path) -> None:
    books = b"id,book_id,authors,title\n258,2767052,A,The Hunger Games\n4081,3,B,Harry Potter\n"
    tables = read(_folder(tmp_path, {"ratings.csv": RATINGS, "books.csv": books}), Options())
    assert tables.items.select("item_id", "goodreads_book_id").rows() == [("258", 2767052), ("4081", 3)]
