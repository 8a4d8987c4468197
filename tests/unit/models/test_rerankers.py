"""Rerankers on a catalogue of four items: variety that volumes tell, proportion, and a start for what is new."""

from __future__ import annotations

import numpy as np
import pytest

from features.arrays import MICROSECONDS_A_DAY
from models.data.types import Catalogue
from models.data.vocabulary import Vocabulary
from models.rerankers.calibrated import Calibrated, CalibratedParams, ListDivergence, distinct
from models.rerankers.dpp import Dpp, DppParams

FOUR = np.arange(4, dtype=np.int32)
SCORES = np.array([4, 3, 2, 1], dtype=np.float32)


def catalogue(vectors=None, categories=(0, 0, 0, 1), days=(0, 0, 0, 0)) -> Catalogue:
    return Catalogue(
        vocabulary=Vocabulary(["0", "1", "2", "3"]),
        titles=[None] * 4,
        tags=[["x"], ["x"], ["x", "y"], ["z"]],
        category_names=["p", "q"],
        categories=np.array(categories, dtype=np.int32),
        prices=np.zeros(4, dtype=np.float32),
        created_at=np.array(days, dtype=np.int64) * MICROSECONDS_A_DAY,
        vectors=None if vectors is None else np.array(vectors, dtype=np.float32),
    )


def test_dpp_with_relevance_alone_keeps_the_order():
    assert Dpp(DppParams(relevance=1)).order(FOUR, SCORES, catalogue(), 3).tolist() == [0, 1, 2]


def test_dpp_shows_a_copy_last_and_the_opposite_first():
    # S to 0: copy 1, orthogonal 1/2, opposite 0; residuals 0, 3/4, 1: 1/6 + log(3/4)/2 = 0.023 against 0 → 2
    vectors = [[1, 0], [1, 0], [0, 1], [-1, 0]]
    assert Dpp(DppParams(relevance=0.5)).order(FOUR, SCORES, catalogue(vectors), 4).tolist() == [0, 2, 3, 1]
    # θ = 0.4: 0.4/3 + 0.6 log(3/4) = -0.039 against 0 → 3
    assert Dpp(DppParams(relevance=0.4)).order(FOUR, SCORES, catalogue(vectors), 4).tolist() == [0, 3, 2, 1]


def test_dpp_uses_tags_where_there_are_no_vectors():
    # to 0 {x}: 1 {x} 1, 2 {x, y} 1/2, 3 {z} 0: the same residuals as above
    assert Dpp(DppParams(relevance=0.4)).order(FOUR, SCORES, catalogue(), 4).tolist() == [0, 3, 2, 1]


def test_dpp_picks_the_greatest_determinant_of_all_that_continue_the_list():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(4, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kernel = (1 + vectors @ vectors.T) / 2
    order = Dpp(DppParams(relevance=0.0)).order(FOUR, SCORES, catalogue(vectors), 4).tolist()
    for n in range(1, 4):
        volumes = {
            item: np.linalg.det(kernel[np.ix_([*order[:n], item], [*order[:n], item])])
            for item in range(4)
            if item not in order[:n]
        }
        assert order[n] == max(volumes, key=volumes.__getitem__)


def test_dpp_keeps_the_cap_of_a_category_until_nothing_else_is_left():
    capped = Dpp(DppParams(relevance=1, category_share=0.5))
    assert capped.order(FOUR, SCORES, catalogue(), 4).tolist() == [0, 1, 3, 2]


def test_divergence_by_hand():
    # target 3/4, 1/4; one place taken by the first kind, one more: of the first 1, 0; of the second 1/2, 1/2
    target = np.array([0.75, 0.25])
    divergence = ListDivergence(target, 0.1)
    divergence.add(0)
    lists = [np.array([1.0, 0.0]), np.array([0.5, 0.5])]
    expected = [(target * np.log(target / (0.9 * one + 0.1 * target))).sum() for one in lists]
    assert divergence.after_one_more() == pytest.approx(expected)


def test_categories_are_numbered_without_gaps():
    n_kinds, kinds = distinct(np.array([7, -1, 7, 2], dtype=np.int32))
    assert (n_kinds, kinds.tolist()) == (3, [2, 0, 2, 1])


def test_calibrated_shows_a_category_in_proportion():
    # relevance 1, 2/3, 1/3, 0 with categories 0, 0, 1, 1: target 5/6, 1/6; smoothing 0.1
    # after item 0: the list 0, 0 has KL 0.246, the list 0, 1 has 0.200: 2/3 - 0.246 λ against 1/3 - 0.200 λ
    # the second wins only where λ exceeds 1/3 over the gap
    two = catalogue(categories=(0, 0, 1, 1))
    divergence = ListDivergence(np.array([5 / 6, 1 / 6]), 0.1)
    divergence.add(0)
    gap = np.diff(divergence.after_one_more())[0]
    turn = -1 / 3 / gap
    for weight, expected in ((0.0, [0, 1, 2, 3]), (turn * 0.99, [0, 1, 2, 3]), (turn * 1.01, [0, 2, 1, 3])):
        reranker = Calibrated(CalibratedParams(calibration=weight, smoothing=0.1, depth=2))
        assert reranker.order(FOUR, SCORES, two, 4).tolist() == expected


def test_what_is_fresh_gains_a_share_of_the_span_of_scores():
    # the newest is 3 (day 40), 2 is 29 days older, 1 is 31 days older: 2/3 + 0, 1/3 + 0.4, 0 + 0.4
    dated = catalogue(days=(0, 9, 11, 40))
    for weight in (0.0, 1e-9):
        reranker = Calibrated(CalibratedParams(calibration=weight, freshness=0.4, fresh_days=30))
        assert reranker.order(FOUR, SCORES, dated, 4).tolist() == [0, 2, 1, 3]


def test_without_dates_nothing_is_fresh():
    unknown = catalogue()
    unknown.created_at[:] = np.iinfo(np.int64).min
    reranker = Calibrated(CalibratedParams(calibration=0, freshness=5))
    assert reranker.order(FOUR, SCORES, unknown, 3).tolist() == [0, 1, 2]
