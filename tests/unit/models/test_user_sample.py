"""Samples of users: whom is asked where there are too many to ask them all."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

from models.data.user_sample import rows_of_some_users

# 20 users with two clicks each, and 5 with nothing but an impression
PART = pl.DataFrame(
    [(f"u{number:02}", item, "click") for item in ("a", "b") for number in range(20)]
    + [(f"v{number}", "a", "impression") for number in range(5)],
    schema=["user_id", "item_id", "event"],
    orient="row",
)


def test_all_rows_stay_where_users_with_a_choice_are_not_too_many():
    rows, n_possible = rows_of_some_users(PART, 20, seed=1)
    assert_frame_equal(rows, PART)
    assert n_possible == 20


def test_a_sample_holds_whole_users_with_a_choice_in_the_order_of_the_rows():
    rows, n_possible = rows_of_some_users(PART, 7, seed=1)
    users = set(rows["user_id"])
    assert n_possible == 20
    assert len(users) == 7
    assert all(user.startswith("u") for user in users)
    assert_frame_equal(rows, PART.filter(pl.col("user_id").is_in(users)))


def test_the_order_of_the_rows_does_not_matter_the_seed_does_and_larger_samples_hold_smaller_ones():
    def users(n: int, seed: int, part: pl.DataFrame = PART) -> set[str]:
        return set(rows_of_some_users(part, n, seed)[0]["user_id"])

    assert users(7, 1) == users(7, 1, PART.reverse())
    assert users(7, 1) != users(7, 2)
    assert users(7, 1) < users(12, 1)
