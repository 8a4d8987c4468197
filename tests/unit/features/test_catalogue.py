"""The catalogue holds every item once, in order, with tidy texts; what was changed is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from features.cleaning.catalogue import build_catalogue
from features.cleaning.text import item_text
from features.schema import CATALOGUE, INTERACTIONS, ITEMS

start = datetime(2024, 1, 1, tzinfo=UTC)


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    filled = [{**dict.fromkeys(ITEMS.columns), **row} for row in rows]
    return pl.DataFrame(filled, schema=dict(ITEMS.columns))


def uses(*item_ids: str) -> pl.DataFrame:
    rows = [
        ("u", item, start + timedelta(days=n), None, None, start + timedelta(days=n)) for n, item in enumerate(item_ids)
    ]
    return pl.DataFrame(rows, schema=dict(INTERACTIONS.columns), orient="row")


def test_the_vocabulary_is_items_and_used_items_sorted() -> None:
    catalogue, report = build_catalogue(items({"item_id": "b"}, {"item_id": "10"}), uses("z", "b", "9", "z"))
    assert catalogue["item_id"].to_list() == ["10", "9", "b", "z"]
    assert report["n_items"] == 4
    assert report["n_items_without_side_row"] == 2
    assert report["n_items_without_text"] == 4
    assert catalogue.columns == list(CATALOGUE.columns)


def test_texts_are_tidied() -> None:
    catalogue, report = build_catalogue(
        items(
            {
                "item_id": "a",
                "title": "  Cats &amp;   Dogs ",
                "description": "<p>Two <b>old</b> friends.</p>",
                "tags": ["funny", "", " funny", "pets "],
                "price": -3.0,
            },
            {"item_id": "b", "title": "   ", "tags": ["", " "], "price": float("nan")},
        ),
        uses(),
    )
    first, second = catalogue.rows(named=True)
    assert first["title"] == "Cats & Dogs"
    assert first["description"] == "Two old friends."
    assert first["tags"] == ["funny", "pets"]
    assert first["category"] == "funny"
    assert first["price"] is None
    assert first["text"] == "Cats & Dogs. funny, pets. Two old friends"
    assert second["title"] is second["tags"] is second["price"] is second["text"] is None
    assert report["n_titles_tidied"] == 2
    assert report["n_descriptions_tidied"] == 1
    assert report["n_impossible_prices"] == 2
    assert report["n_categories_from_tags"] == 1


def test_an_item_used_before_it_was_created_was_created_at_its_first_use() -> None:
    catalogue, report = build_catalogue(
        items(
            {"item_id": "early", "created_at": start - timedelta(days=3)},
            {"item_id": "late", "created_at": start + timedelta(days=30)},
            {"item_id": "unknown"},
        ),
        uses("late", "early", "unknown"),
    )
    assert catalogue["created_at"].to_list() == [start - timedelta(days=3), start, None]
    assert report["n_created_at_set_to_first_use"] == 1


def test_a_given_category_stays() -> None:
    side = items({"item_id": "a", "category": "toys", "tags": ["wood"]}, {"item_id": "b", "tags": ["wood"]})
    assert build_catalogue(side, uses())[0]["category"].to_list() == ["toys", "wood"]
    assert build_catalogue(side, uses(), category_from_tags=False)[0]["category"].to_list() == ["toys", None]


def test_item_text_names_each_thing_once() -> None:
    frame = items(
        {"item_id": "a", "title": "Emma", "tags": ["novel", "1815"], "category": "novel", "description": "Emma"},
        {"item_id": "b", "title": "Emma.", "category": "books", "description": "A comedy of manners."},
        {"item_id": "c", "description": "No title here"},
        {"item_id": "d"},
    )
    assert item_text(frame).to_list() == [
        "Emma. novel, 1815",
        "Emma. books. A comedy of manners",
        "No title here",
        None,
    ]
