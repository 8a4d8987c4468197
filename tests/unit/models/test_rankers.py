"""Rankers by hand: scales, what is missing, odds that hold, examples left out, trees averaged."""

from __future__ import annotations

import numpy as np
import pytest

from models.rankers.horizons import HorizonsParams
from models.rankers.lightgbm import LightGbm, LightGbmParams
from models.rankers.linear import Linear, LinearParams
from models.ranking.sampling import rows_of_all_hits, rows_of_some_queries
from models.ranking.scaling import Standard
from models.ranking.training import Params, make_ranker


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


def test_a_sections_draws_go_before_those_of_all_rankers():
    assert make_ranker("lightgbm", Params(n_seeds=2)).params.n_seeds == 2
    assert make_ranker("lightgbm", Params(n_seeds=2, lightgbm={"n_seeds": 5})).params.n_seeds == 5


def test_params_of_the_time_after_a_pause_keep_what_is_not_named():
    returning = HorizonsParams.model_validate({"returning": {"n_trees": 50}}).returning
    assert (returning.n_trees, returning.prior, returning.truncation, returning.target_power) == (50, 10.0, 50, 0.5)


def test_all_that_was_chosen_is_kept_and_a_share_of_the_rest():
    labels = np.tile(np.array([1, 0, 0, 0, 0], dtype=np.float32), 400)
    rows = np.repeat([True, False], 1000)  # 200 chosen and 800 others may be drawn from
    kept = rows_of_all_hits(labels, rows, 600, seed=1)
    assert kept[rows & (labels > 0)].all()
    assert not kept[~rows].any()
    assert kept.sum() == pytest.approx(600, abs=60)
    assert (rows_of_all_hits(labels, rows, 1000, seed=1) == rows).all()


def test_the_trees_of_several_draws_are_averaged():
    rng = np.random.default_rng(3)
    features = rng.random((1200, 4), dtype=np.float32)
    labels = (features[:, 1] + features[:, 2] > rng.uniform(1.0, 2.0, 1200)).astype(np.float32)
    told = features, labels, np.full(60, 20, dtype=np.int32), ("inverse_rank:a", "age", "price", "noise")
    one, other, both = (
        LightGbm(LightGbmParams(min_data_in_leaf=20, seed=seed, n_seeds=n_seeds)).fit(*told)
        for seed, n_seeds in ((1, 1), (2, 1), (1, 2))
    )
    assert both.score(features) == pytest.approx((one.score(features) + other.score(features)) / 2, abs=1e-6)
    assert not np.array_equal(one.score(features), other.score(features))
    last = both.staged(features)[-1]
    assert last[0] == 100
    assert last[1] == pytest.approx(both.score(features), abs=1e-5)
