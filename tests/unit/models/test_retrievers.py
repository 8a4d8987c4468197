"""Retrievers against values worked out by hand and against independent references."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from features.errors import UserError
from models.data.queries import one_query
from models.explain import contributions
from models.retrievers.ease import Ease, EaseParams
from models.retrievers.item_knn import ItemKnn, ItemKnnParams
from models.retrievers.popular import Popular, PopularParams
from models.retrievers.text import Text
from models.retrievers.user_knn import UserKnn, UserKnnParams
from tests.support.part_inputs import DAY, ask, make_catalogue, make_log, random_log


def test_popular_halves_a_choice_in_its_half_life_and_counts_a_user_once():
    log = make_log([(0, 0, 100), (0, 0, 90), (1, 1, 90), (2, 1, 90), (3, 1, 80), (4, 2, 100)], [1, 1, 1, 1, 1, 0.25])
    popular = Popular(PopularParams(half_life_days=10)).fit(log, make_catalogue(4))
    # i0: 1 · 2^0 (the same user's older choice adds nothing); i1: 2 · 2^-1 + 2^-2; i2: 0.25; i3: nobody
    assert popular.scores_ == pytest.approx([1.0, 1.25, 0.25, 0.0])
    assert ask(popular, make_catalogue(4), [])[0] == [1, 0, 2]
    assert ask(popular, make_catalogue(4), [1])[0] == [0, 2, -1]
    assert Popular(PopularParams(half_life_days=None)).fit(log, make_catalogue(4)).scores_ == pytest.approx(
        [1.0, 3.0, 0.25, 0.0]
    )


def test_popular_by_segment_follows_the_category_of_the_last_choice(tmp_path):
    # items 0, 1 are of A, 2, 3 of B; after A: twice 2, once 3; after B: once 1; each has 2 of all 8 choices
    catalogue = replace(make_catalogue(5), category_names=["A", "B"], categories=np.array([0, 0, 1, 1, -1], np.int32))
    log = make_log([(0, 0, 1), (1, 0, 1), (2, 1, 1), (3, 3, 1), (0, 2, 2), (1, 2, 2), (2, 3, 2), (3, 1, 2)])
    params = PopularParams(half_life_days=None, segment="category", segment_prior=4)
    popular = Popular(params).fit(log, catalogue)
    popular.save(tmp_path)
    for asked in (popular, Popular.load(tmp_path)):
        items, scores = ask(asked, catalogue, [0])
        assert (items, scores.tolist()) == ([2, 3, 1], [3, 2, 1])
        items, scores = ask(asked, catalogue, [0, 2])
        assert (items, scores.tolist()) == ([1, 3, -1], [2, 1, 0])
        assert ask(asked, catalogue, [0, 4])[0] == [2, 3, 1]  # 4 is of no category, the one before tells
        assert ask(asked, catalogue, [])[0] == [0, 1, 2]  # a newcomer gets the one list


def test_item_knn_cosine_is_that_of_scikit_learn():
    log, matrix = random_log()
    knn = ItemKnn(ItemKnnParams(neighbors=12, shrinkage=0)).fit(log, make_catalogue(12))
    expected = cosine_similarity(matrix.T)
    np.fill_diagonal(expected, 0)
    assert knn.weights_.toarray() == pytest.approx(expected, abs=1e-6)


def test_item_knn_pearson_is_that_of_numpy():
    log, matrix = random_log()
    knn = ItemKnn(ItemKnnParams(similarity="pearson", neighbors=12, shrinkage=0)).fit(log, make_catalogue(12))
    expected = np.corrcoef(matrix.T)
    np.fill_diagonal(expected, 0)
    assert knn.weights_.toarray() == pytest.approx(np.maximum(expected, 0), abs=1e-6)


def test_item_knn_jaccard_of_tags_by_hand():
    catalogue = make_catalogue(4, tags=[["a", "b"], ["b", "c", "d"], ["a", "b", "b"], []])
    params = ItemKnnParams(similarity="jaccard_tags", neighbors=4)
    found = ItemKnn(params).fit(make_log([(0, 0, 1)]), catalogue).weights_.toarray()
    # 0 and 1 share b of {a, b, c, d}; 0 and 2 are alike; 3 has no tags
    assert found == pytest.approx(
        np.array([[0, 0.25, 1, 0], [0.25, 0, 0.25, 0], [1, 0.25, 0, 0], [0, 0, 0, 0]], dtype=float)
    )


def test_item_knn_keeps_the_nearest_and_shrinks_what_stands_on_few_users():
    log, matrix = random_log()
    whole = ItemKnn(ItemKnnParams(neighbors=12, shrinkage=3)).fit(log, make_catalogue(12)).weights_.toarray()
    lengths = np.linalg.norm(matrix, axis=0)
    expected = matrix.T @ matrix / (np.outer(lengths, lengths) + 3)
    np.fill_diagonal(expected, 0)
    assert whole == pytest.approx(expected, abs=1e-6)
    few = ItemKnn(ItemKnnParams(neighbors=2, shrinkage=3)).fit(log, make_catalogue(12)).weights_.toarray()
    for row, kept in zip(whole, few, strict=True):
        assert sorted(kept[kept > 0]) == sorted(row)[-2:]


def test_item_knn_score_is_the_sum_over_the_history_with_recency():
    log, matrix = random_log()
    catalogue = make_catalogue(12)
    params = ItemKnnParams(neighbors=12, shrinkage=0, half_life_days=None, half_life_events=1)
    knn = ItemKnn(params).fit(log, catalogue)
    expected = cosine_similarity(matrix.T)
    np.fill_diagonal(expected, 0)
    expected = 0.25 * expected[3] + 0.5 * expected[8] + expected[1]  # oldest, middle, newest
    expected[[3, 8, 1]] = -1
    items, scores = ask(knn, catalogue, [3, 8, 1])
    assert items == np.argsort(-expected)[:3].tolist()
    assert scores == pytest.approx(np.sort(expected)[::-1][:3], rel=1e-5)


def test_a_repeated_act_counts_once_at_its_latest_time():
    log, _ = random_log()
    catalogue = make_catalogue(12)
    knn = ItemKnn(ItemKnnParams(half_life_days=5)).fit(log, catalogue)
    once = ask(knn, catalogue, [2, 4], days=[1, 9])
    twice = ask(knn, catalogue, [4, 2, 4], days=[0, 1, 9])
    assert once[0] == twice[0]
    assert once[1].tobytes() == twice[1].tobytes()


def test_ease_is_the_closed_form():
    log, matrix = random_log()
    found = Ease(EaseParams(regularization=2.0, keep=None)).fit(log, make_catalogue(13)).weights_.toarray()
    inverse = np.linalg.inv(matrix.T @ matrix + 2.0 * np.eye(12))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    assert found[:12, :12] == pytest.approx(expected, abs=1e-5)
    assert not found[12].any()  # nobody chose it
    assert not found[:, 12].any()


def test_ease_solves_the_regression_with_a_zero_diagonal():
    """Each column minimises |x_j - X b|² + λ |b|² over the other items: the ridge of scikit-learn without item j."""
    from sklearn.linear_model import Ridge

    log, matrix = random_log()
    found = Ease(EaseParams(regularization=2.0, keep=None)).fit(log, make_catalogue(12)).weights_.toarray()
    others = [place for place in range(12) if place != 4]
    ridge = Ridge(alpha=2.0, fit_intercept=False).fit(matrix[:, others], matrix[:, 4])
    assert found[others, 4] == pytest.approx(ridge.coef_, abs=1e-5)


def test_ease_with_texts_is_ease_of_users_and_text_rows():
    log, matrix = random_log()
    vectors = np.random.default_rng(3).normal(size=(12, 4)).astype(np.float32)
    params = EaseParams(regularization=2.0, keep=None, text_weight=9.0)
    found = Ease(params).fit(log, make_catalogue(12, vectors=vectors)).weights_.toarray()
    whole = np.vstack([matrix, 3.0 * vectors.T])
    inverse = np.linalg.inv(whole.T @ whole + 2.0 * np.eye(12))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    assert found == pytest.approx(expected, abs=1e-5)
    without = Ease(params).fit(log, make_catalogue(12)).weights_.toarray()
    assert without == pytest.approx(
        Ease(EaseParams(regularization=2.0, keep=None)).fit(log, make_catalogue(12)).weights_.toarray()
    )


def test_ease_keeps_the_greatest_by_magnitude_and_learns_the_most_chosen_items(caplog):
    log, _ = random_log()
    whole = Ease(EaseParams(keep=None)).fit(log, make_catalogue(12)).weights_.toarray()
    few = Ease(EaseParams(keep=3)).fit(log, make_catalogue(12)).weights_.toarray()
    for row, kept in zip(whole, few, strict=True):
        assert sorted(np.abs(kept[kept != 0])) == sorted(np.abs(row))[-3:]
    with caplog.at_level(logging.WARNING):
        small = Ease(EaseParams(max_items=5)).fit(log, make_catalogue(12)).weights_.toarray()
    assert (np.abs(small).sum(axis=1) > 0).sum() == 5
    assert "n_items_left_out=7" in caplog.text


def test_user_knn_by_hand():
    # the query {0, 1}: user 0 {0, 1, 2} cosine 2/√6, user 1 {1, 3} cosine 1/2, user 2 {4} none
    log = make_log([(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 1, 1), (1, 3, 1), (2, 4, 1)])
    catalogue = make_catalogue(5)
    knn = UserKnn(UserKnnParams(shrinkage=0)).fit(log, catalogue)
    items, scores = ask(knn, catalogue, [0, 1])
    assert items == [2, 3, -1]
    assert scores[:2] == pytest.approx([2 / 6**0.5, 0.5])
    nearest = UserKnn(UserKnnParams(shrinkage=0, neighbors=1)).fit(log, catalogue)
    assert ask(nearest, catalogue, [0, 1])[0] == [2, -1, -1]


def test_user_knn_asymmetry_moves_length_from_the_user_to_the_query():
    log = make_log([(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 1, 1), (1, 3, 1)])
    catalogue = make_catalogue(4)
    skew = UserKnn(UserKnnParams(shrinkage=0, asymmetry=0.75)).fit(log, catalogue)
    # lengths √2 of the query, √3 and √2 of the users: common / (query^1.5 · user^0.5)
    expected = [2 / (2**0.75 * 3**0.25), 1 / (2**0.75 * 2**0.25)]
    assert ask(skew, catalogue, [0, 1])[1][:2] == pytest.approx(expected)
    whole = UserKnn(UserKnnParams(shrinkage=0, asymmetry=1)).fit(log, catalogue)
    assert ask(whole, catalogue, [0, 1])[1][:2] == pytest.approx([2 / 2, 1 / 2])


def test_user_knn_pearson_is_that_of_numpy():
    log, matrix = random_log()
    catalogue = make_catalogue(12)
    knn = UserKnn(UserKnnParams(similarity="pearson", shrinkage=0, neighbors=50)).fit(log, catalogue)
    own = np.zeros(12)
    own[[2, 5, 7]] = 1
    # neighbors share at least one item; who is unlike (negative) is none
    alike = np.array([np.corrcoef(own, row)[0, 1] if (row * own).any() else 0 for row in matrix])
    expected = np.maximum(alike, 0) @ matrix
    expected[[2, 5, 7]] = -1
    items, scores = ask(knn, catalogue, [2, 5, 7])
    assert items == np.argsort(-expected, kind="stable")[:3].tolist()
    assert scores == pytest.approx(np.sort(expected)[::-1][:3], rel=1e-4)


def test_text_is_the_cosine_to_the_mean_of_the_history():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0], [0, 0]], dtype=np.float32)
    catalogue = make_catalogue(5, vectors=vectors)
    text = Text().fit(make_log([(0, 0, 1)]), catalogue)
    items, scores = ask(text, catalogue, [0], k=4)
    assert items == [2, 1, 3, -1]  # an item without text is not offered
    assert scores[:3] == pytest.approx([0.6, 0.0, -1.0])
    items, scores = ask(text, catalogue, [0, 1], k=1)
    assert items == [2]
    assert scores[0] == pytest.approx((0.6 + 0.8) / 2**0.5)


def test_text_steps_aside_with_a_word_where_there_is_none(caplog):
    catalogue = make_catalogue(3)
    with caplog.at_level(logging.WARNING):
        text = Text().fit(make_log([(0, 0, 1)]), catalogue)
    assert "no text" in caplog.text
    assert ask(text, catalogue, [0])[0] == [-1, -1, -1]


def test_contributions_are_what_the_history_says():
    log, matrix = random_log()
    catalogue = make_catalogue(12)
    knn = ItemKnn(ItemKnnParams(neighbors=12, shrinkage=0)).fit(log, catalogue)
    expected = cosine_similarity(matrix.T)
    query = one_query("x", DAY, ["i3", "i8"], [0, 0], catalogue.vocabulary)
    falls = contributions(knn, query, [np.array([3]), np.array([8])], np.array([1]))[:, 0]
    assert falls == pytest.approx([expected[3, 1], expected[8, 1]])


def test_an_unknown_part_is_told_with_its_table():
    from models.registry import load_part

    with pytest.raises(UserError, match=r"no retriever named 'two_towers'; there are \['als', .*__init__.py\)"):
        load_part("retriever", "two_towers")
