"""The learning curve over data size, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.evaluation.evaluate import Params, evaluate
from models.evaluation.learning_curve import curve, headline_ndcg, newest_rows
from models.evaluation.test_set import make_test_set
from tests.support.part_inputs import make_log


def test_the_newest_half_of_a_log_keeps_its_users_and_its_cut():
    log = make_log([(0, 3, 1), (1, 4, 2), (2, 5, 3)])
    half = newest_rows(log, 0.5)  # one and a half rows, rounded up
    assert half.users.tolist() == [1, 2]
    assert half.items.tolist() == [4, 5]
    assert (half.at, half.n_users) == (log.at, 3)
    assert newest_rows(log, 1.0).items.tolist() == [3, 4, 5]


def test_the_figure_is_the_headline_of_the_evaluation():
    rng = np.random.default_rng(2)
    items = [f"i{item}" for item in rng.integers(0, 30, 400)]
    rows = pl.DataFrame({"user_id": [f"u{user}" for user in rng.integers(0, 40, 400)], "item_id": items})
    test_set, params = make_test_set(rows[:250], rows[250:]), Params(k=[5], bootstrap=100)
    lists = np.stack([rng.permutation(30)[:5] for _ in range(len(test_set))])
    expected = evaluate(test_set, {"one": lists}, params).value("one", "ndcg@5")
    assert headline_ndcg(test_set, lists, params) == pytest.approx(expected, abs=1e-12)


def test_the_curve_is_in_percent_and_ascending():
    rows = curve({("ease", 1.0): 0.2, ("ease", 0.25): 0.1, ("als", 0.5): float("nan")}).rows()
    assert rows == [("ease", 25, 0.1), ("ease", 100, 0.2)]
