"""Cuts within a part: where they lie, and what is known and asked at each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from models.data.cutoffs import cutoffs_within, split_at

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000


def rows_on(*days: int) -> pl.DataFrame:
    return pl.DataFrame({"timestamp": [START + timedelta(days=day) for day in days]})


def micros(day: int) -> int:
    return int(START.timestamp()) * 1_000_000 + day * DAY


def test_the_first_cut_is_given_and_the_others_part_the_first_half_of_the_rows_evenly() -> None:
    part = rows_on(8, 1, 2, 3, 4, 5, 6, 7)
    assert cutoffs_within(part, micros(0), 4) == [micros(0), micros(2), micros(3), micros(4)]
    assert cutoffs_within(part, micros(0), 1) == [micros(0)]


def test_cuts_of_one_instant_count_once_and_none_is_the_parts_end() -> None:
    assert cutoffs_within(rows_on(1, 1, 1, 2, 2, 2), micros(0), 4) == [micros(0), micros(1)]
    assert cutoffs_within(rows_on(), micros(0), 4) == [micros(0)]


def test_a_row_at_the_cut_is_known_and_every_row_is_on_one_side() -> None:
    history, part = rows_on(-2, -1), rows_on(1, 2, 3)
    known, asked = split_at(history, part, micros(2))
    assert known.equals(rows_on(-2, -1, 1, 2))
    assert asked.equals(rows_on(3))
