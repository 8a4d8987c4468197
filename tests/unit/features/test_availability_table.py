"""What may be offered when: from the items' own columns into the catalogue that the service and judging read."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from features.catalogue_changes.item import ItemState
from features.catalogue_changes.joining import AVAILABILITY, availability, joined
from features.cleaning.catalogue import build_catalogue
from features.schema import CATALOGUE, INTERACTIONS, ITEMS
from models.data.availability import ALWAYS, NEVER
from models.data.tables import TIMES, read_catalogue

DAY = 86_400_000_000


def day(n: int) -> datetime:
    return datetime.fromtimestamp(n * 86_400, UTC)


def items() -> pl.DataFrame:
    columns = {"item_id": ["a", "b", "c"], "created_at": [day(1), None, day(3)]}
    frame = pl.DataFrame(columns, schema={name: ITEMS.columns[name] for name in columns})
    return frame.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in ITEMS.columns.items() if name not in columns
    ).select(*ITEMS.columns)


def test_items_that_nobody_posted_have_no_table():
    catalogue, _ = build_catalogue(items(), INTERACTIONS.empty())
    assert joined(items(), []).equals(items())
    assert availability(items(), catalogue).is_empty()


def test_the_catalogue_offers_what_was_posted_when_it_may_be(tmp_path):
    states = [
        ItemState("a", 1, 4, 9 * DAY, {"available": False}),
        ItemState("b", 2, 2, 8 * DAY, {"available_from": 5 * DAY, "available_until": 7 * DAY}),
        ItemState("new", 3, 3, 8 * DAY, {"title": "New"}),
        ItemState("made", 5, 5, 9 * DAY, {"created_at": 2 * DAY}),
    ]
    everything = joined(items(), states)
    assert everything.get_column("item_id").to_list() == ["a", "b", "c", "new", "made"]
    catalogue, _ = build_catalogue(everything, INTERACTIONS.empty())
    CATALOGUE.write(catalogue, tmp_path / "catalogue.parquet")
    AVAILABILITY.write(availability(everything, catalogue), tmp_path / TIMES)
    read = read_catalogue(tmp_path)
    times = dict(
        zip(
            read.vocabulary.item_ids,
            zip(read.availability.starts.tolist(), read.availability.ends.tolist(), strict=True),
            strict=True,
        )
    )
    assert times == {
        "a": (DAY, 9 * DAY),  # offered until it was taken out
        "b": (5 * DAY, 7 * DAY),
        "c": (3 * DAY, NEVER),
        "new": (8 * DAY, NEVER),  # nobody could have offered it before it was posted
        "made": (2 * DAY, NEVER),
    }
    assert read.availability.unavailable_at(6 * DAY).tolist() == [False, False, False, False, True]
    assert ALWAYS < DAY
