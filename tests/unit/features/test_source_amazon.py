"""Amazon reviews of all three generations on files small enough to write the tables down by hand."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.reading.raw_tables import Options
from features.sources.amazon import read

WHEN = datetime(2014, 7, 1, tzinfo=UTC)


def _lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


REVIEW_2014 = {
    "reviewerID": "A2SU", "asin": "0001", "reviewerName": "J", "helpful": [2, 3], "reviewText": "Good",
    "overall": 5.0, "summary": "S", "unixReviewTime": int(WHEN.timestamp()), "reviewTime": "07 1, 2014",
}  # fmt: skip


def test_reads_2014_with_metadata_that_are_python_literals(tmp_path: Path) -> None:
    (tmp_path / "reviews_Toys.json.gz").write_bytes(
        gzip.compress(_lines(REVIEW_2014, REVIEW_2014, {**REVIEW_2014, "summary": "T"}))
    )
    meta = "{'asin': '0001', 'title': \"Girl's Doll\", 'price': 3.17, 'brand': 'Coxlures', "
    meta += "'categories': [['Toys', 'Dolls'], ['Toys']]}\n"
    (tmp_path / "meta_Toys.json.gz").write_bytes(gzip.compress(meta.encode()))
    tables = read(tmp_path, Options())
    assert tables.interactions.select("user_id", "item_id", "value", "timestamp").rows() == [
        ("A2SU", "0001", 5.0, WHEN),
        ("A2SU", "0001", 5.0, WHEN),  # another summary: not alike in all columns
    ]
    assert tables.counts["interactions_repeated"] == 1
    assert tables.items.select("item_id", "title", "tags", "category", "price", "brand").rows() == [
        ("0001", "Girl's Doll", ["Toys", "Dolls"], "Toys", 3.17, "Coxlures")
    ]


def test_reads_2023_by_parent_asin_with_times_in_ms(tmp_path: Path) -> None:
    review = {
        "rating": 4, "title": "T", "text": "X", "asin": "B01", "parent_asin": "B00", "user_id": "AE",
        "timestamp": int(WHEN.timestamp() * 1000) + 250,
    }  # fmt: skip
    meta = [
        {"main_category": "All Beauty", "title": "Comb", "features": ["soft"], "description": [], "price": "$1,012.50",
         "store": "Kit", "categories": ["Hair", "Combs"], "parent_asin": "B00"},
        {"main_category": None, "title": "Pin", "description": ["One.", "Two."], "price": "—", "categories": ["Hair"],
         "parent_asin": "B02"},
        {"title": "Cap", "price": None, "categories": [], "parent_asin": "B03"},
        {"title": "Cup", "price": 7, "parent_asin": "B04"},
    ]  # fmt: skip
    (tmp_path / "All_Beauty.jsonl").write_bytes(_lines(review))
    (tmp_path / "meta_All_Beauty.jsonl").write_bytes(_lines(*meta))
    tables = read(tmp_path, Options())
    assert tables.interactions.select("user_id", "item_id", "value", "timestamp").rows() == [
        ("AE", "B00", 4.0, WHEN.replace(microsecond=250_000))
    ]
    assert tables.items.select("item_id", "title", "description", "tags", "category", "price", "brand").rows() == [
        ("B00", "Comb", "soft", ["Hair", "Combs"], "All Beauty", 1012.5, "Kit"),
        ("B02", "Pin", "One. Two.", ["Hair"], "Hair", None, None),
        ("B03", "Cap", None, None, None, None, None),
        ("B04", "Cup", None, None, None, 7.0, None),
    ]
    assert any("1 prices are no amounts (e.g. '—')" in note for note in tables.notes)


def test_one_review_file_without_metadata_is_enough(tmp_path: Path) -> None:
    (tmp_path / "reviews.json").write_bytes(_lines(REVIEW_2014))
    tables = read(tmp_path / "reviews.json", Options())
    assert tables.items.is_empty()
    assert tables.interactions["item_id"].to_list() == ["0001"]


def test_a_line_that_is_no_json_is_set_aside(tmp_path: Path) -> None:
    many = [{**REVIEW_2014, "reviewerID": f"A{n}"} for n in range(40)]
    (tmp_path / "reviews.json").write_bytes(_lines(*many) + b'{"reviewerID": "cut of\n')
    tables = read(tmp_path, Options())
    assert tables.quarantine.rows() == [("reviews.json", 41, None, '{"reviewerID": "cut of', "no JSON object")]
