"""Rankers that add features up: scales, what is missing, and odds that hold."""

from __future__ import annotations

import numpy as np
import pytest

from models.rankers.linear import Linear, LinearParams
from models.rankers.standard import Standard, rows_of_some_queries
from models.ranking import Params, make_ranker


def test_standard_by_hand():
    features = np.array([[1, 5], [3, 5], [np.nan, 5]], dtype=np.float32)
    inputs = Standard.of(features).inputs(features)
    assert inputs.tolist() == [[-1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_too_many_rows_leave_out_whole_queries():
    rows = rows_of_some_queries(np.array([2, 3, 2], dtype=np.int32), 5, seed=1)
    assert 2 <= rows.sum() <= 5
    assert rows[:2].tolist() in ([True] * 2, [False] * 2)
    assert rows[2:5].tolist() in ([True] * 3, [False] * 3)
    assert rows_of_some_queries(np.array([2, 3], dtype=np.int32), 5, seed=1).all()


def test_linear_scores_are_the_log_odds_of_the_examples():
    # chosen 3 of 4 where the feature is 1, 1 of 4 where it is 0, 1 of 2 where it is missing: almost no shrinkage
    features = np.repeat(np.array([1, 0, np.nan], dtype=np.float32), [4, 4, 2])[:, None]
    labels = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0], dtype=np.float32)
    ranker = Linear(LinearParams(l2=1e-6)).fit(features, labels, np.array([10], dtype=np.int32), ("one",))
    expected = [np.log(3), -np.log(3), 0.0]
    assert ranker.score(np.array([[1], [0], [np.nan]], dtype=np.float32)) == pytest.approx(expected, abs=1e-3)


def test_the_params_of_the_section_reach_linear():
    assert make_ranker("linear", Params(name="linear", linear={"l2": 7})).params == LinearParams(l2=7)
