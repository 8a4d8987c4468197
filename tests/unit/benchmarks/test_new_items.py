"""The benchmark of new items: who is asked, with what history, for what."""

from __future__ import annotations

import numpy as np

from benchmarks.new_items import asked, is_new, lists_of
from tests.support.part_inputs import make_catalogue, make_log


def test_an_items_id_alone_says_whether_it_is_new_and_about_one_in_five_is() -> None:
    ids = [f"i{number}" for number in range(1000)]
    assert is_new(ids[::-1]).tolist() == is_new(ids)[::-1].tolist()
    assert 150 < is_new(ids).sum() < 250


def test_each_user_is_asked_with_their_own_rows_in_time_order_and_only_new_items_are_offered() -> None:
    log = make_log([(1, 0, 1), (0, 1, 2), (1, 2, 3), (2, 0, 4)])
    new = np.array([False, False, False, True])
    queries = asked(log, new, np.array(["u0", "u1"]))
    assert [queries.history.items[query].tolist() for query in range(2)] == [[1], [0, 2]]
    assert lists_of("random", log, make_catalogue(4), queries).tolist() == [[3], [3]]
