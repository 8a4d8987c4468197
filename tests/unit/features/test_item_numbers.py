"""Further numeric columns of items, in the order of the catalogue."""

from __future__ import annotations

import polars as pl

from features.cleaning.item_numbers import item_numbers


def test_numbers_are_kept_and_texts_are_not_in_the_order_of_the_catalogue():
    items = pl.DataFrame({"item_id": ["b", "a"], "price": [1.0, 2.0], "weight_g": [5, 7], "brand": ["x", "y"]})
    numbers = item_numbers(items, pl.DataFrame({"item_id": ["a", "b", "c"]}))
    assert numbers.to_dict(as_series=False) == {"item_id": ["a", "b", "c"], "weight_g": [7.0, 5.0, None]}


def test_what_is_not_finite_is_unknown_and_without_such_a_column_there_is_nothing():
    items = pl.DataFrame({"item_id": ["a", "b"], "score": [float("nan"), float("inf")]})
    ids = items.select("item_id")
    assert item_numbers(items, ids)["score"].to_list() == [None, None]
    assert item_numbers(ids, ids) is None
