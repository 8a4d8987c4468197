"""The retriever of cold items: what it offers, and what its three parts say."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from models.data.queries import one_query
from models.data.types import Slate
from models.explain import reasons
from models.retrievers.cold_items import ColdItems, ColdItemsParams
from tests.support.part_inputs import DAY, ask, make_catalogue, make_log

# places: 0, 1, 2 are warm where two people make an item so; 3 reads like 0, 4 like 1
VECTORS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
CHOICES = [(0, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 2), (2, 1, 3), (3, 1, 3)]


def fitted(choices, vectors, **params) -> tuple[ColdItems, object]:
    catalogue = make_catalogue(len(vectors), vectors=vectors)
    chosen = ColdItemsParams(**({"max_users": 1} | params))
    return ColdItems(chosen).fit(make_log(choices), catalogue), catalogue


def test_it_offers_what_at_most_so_many_people_chose_and_what_has_a_text():
    choices = [(0, 0, 1), (1, 0, 2), (0, 1, 3), (0, 1, 4), (1, 4, 5), (2, 4, 6)]  # the second choice of 1 is a repeat
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [0, 0], [-1, 0]], dtype=np.float32)
    for max_users, offered in ((0, {2}), (1, {1, 2}), (2, {0, 1, 2, 4})):
        retriever, catalogue = fitted(choices, vectors, max_users=max_users)
        assert {item for item in ask(retriever, catalogue, [0], k=5)[0] if item >= 0} == offered - {0}


def test_the_score_is_the_closed_form_standardized_over_the_cold_items():
    # every warm item has two users: D = 2^(-1/4), C = HᵀH / √2; with so few items the map's settings are those of the
    # start: max(cosine, 0)², κ = 0.3, λ = 60, and demand, which is the same for all, says nothing
    retriever, catalogue = fitted(CHOICES, VECTORS)
    together = np.array([[2, 0, 2], [0, 2, 0], [2, 0, 2]]) / np.sqrt(2)
    taste = np.linalg.solve(together + 60 * np.eye(3), together) * 2**-0.25
    weights = taste @ np.linalg.solve(1.3 * np.eye(3), VECTORS[:3] @ VECTORS[3:].T)
    scale = (np.array([[1, 0, 1], [0, 1, 0]]) @ weights).std(axis=1) @ [0.5, 0.5]
    assert retriever.weights_ == pytest.approx(weights / scale, rel=1e-3)
    assert retriever.prior_ == pytest.approx([0, 0], abs=1e-4)
    # no word of item 2 is in 3 or 4, but those who chose it chose 0, like which 3 reads: of two scores z = ±1
    items, scores = ask(retriever, catalogue, [2], k=2)
    assert items == [3, 4] and scores == pytest.approx([1, -1], abs=1e-3)


def test_the_contribution_of_an_item_of_the_history_is_one_number():
    retriever, catalogue = fitted(CHOICES, VECTORS)
    query = one_query("x", 9 * DAY, ["i0", "i1", "i2"], [DAY] * 3, catalogue.vocabulary)
    raw = retriever.weights_[:3].sum(axis=0)
    expected = (raw - raw.mean()) / raw.std() + retriever.prior_
    assert retriever.scores_of(query, np.array([3, 4], dtype=np.int32))[0] == pytest.approx(expected, abs=1e-5)


def test_what_reads_like_popular_items_is_ranked_first_among_what_nothing_else_tells_apart():
    vectors = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    choices = [(user, 0, 1) for user in range(2)] + [(user, 1, 1) for user in range(4)] + [(9, 4, 1), (8, 4, 1)]
    retriever, catalogue = fitted(choices, vectors)
    items, scores = ask(retriever, catalogue, [4], k=3)
    assert items == [3, 2, -1]  # item 1 has four users, item 0 two, and 4 reads like neither
    assert scores[:2] == pytest.approx([0.3, -0.3], abs=1e-4)


def test_who_was_chosen_by_a_few_is_described_by_them_too():
    # 3 and 4 read alike; two of those who chose 2 chose 4
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0], [0.6, 0.8, 0]], dtype=np.float32)
    choices = [(user, item, 1) for user in range(6) for item in (0, 1)] + [(user, 2, 1) for user in range(6, 12)]
    choices += [(6, 4, 2), (7, 4, 2)]
    retriever, catalogue = fitted(choices, vectors, max_users=3)
    assert ask(retriever, catalogue, [2], k=2)[0] == [4, 3]


def test_who_has_no_history_or_one_that_says_nothing_is_offered_nothing():
    vectors = np.array([[1, 0], [0, 1], [1, 0], [0, 0]], dtype=np.float32)
    retriever, catalogue = fitted([(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)], vectors)
    assert ask(retriever, catalogue, [], k=2)[0] == [-1, -1]
    assert ask(retriever, catalogue, [3], k=2)[0] == [-1, -1]
    assert ask(retriever, catalogue, [1], k=2)[0] == [2, -1]


def test_at_most_so_many_are_offered():
    retriever, catalogue = fitted(CHOICES, VECTORS, offered=1)
    assert ask(retriever, catalogue, [0], k=3)[0] == [3, -1, -1]


def test_it_steps_aside_with_a_word_where_nothing_is_cold_or_has_a_text(caplog):
    for vectors in (None, VECTORS[:3]):
        catalogue = make_catalogue(3, vectors=vectors)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            retriever = ColdItems(ColdItemsParams(max_users=1)).fit(make_log(CHOICES), catalogue)
        assert "offers nothing" in caplog.text
        assert ask(retriever, catalogue, [0])[0] == [-1, -1, -1]


def test_the_reason_names_what_the_item_reads_like():
    choices = [(user, 0, 1) for user in range(4)] + [(user, 2, 1) for user in (3, 4, 5, 6)] + [(7, 1, 1), (8, 1, 1)]
    retriever, catalogue = fitted(choices, np.concatenate([VECTORS, VECTORS[2:3]]))
    catalogue.titles[0], catalogue.titles[2] = "Moss", "Ferns"
    query = one_query("x", 9 * DAY, ["i0", "i2"], [DAY, DAY], catalogue.vocabulary)
    ones = np.ones((1, 1), dtype=np.float32)
    slate = Slate(
        items=np.array([[3]], dtype=np.int32), scores=ones, sources=ones[..., None], retrievers=("cold_items",)
    )
    assert reasons({"cold_items": retriever}, catalogue, query, slate) == [["Because of “Moss” in your history"]]


def test_above_so_many_warm_items_landmarks_rank_almost_as_the_exact_map_does():
    """140 warm items of five kinds, 40 of them landmarks: at least eight of the first ten are the exact map's."""
    rng = np.random.default_rng(5)
    kinds = rng.normal(size=(5, 16))
    rows = kinds[np.arange(200) % 5] + 0.3 * rng.normal(size=(200, 16))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    alike = np.arange(120)[:, None] % 5 == np.arange(140) % 5
    chosen = rng.random((120, 140)) < np.where(alike, 0.5, 0.05)
    choices = [(int(user), int(item), 1) for user, item in np.argwhere(chosen)]
    exact, catalogue = fitted(choices, vectors)
    fewer, _ = fitted(choices, vectors, most_exact=100, landmarks=40)
    for history in ([0, 5], [1, 11, 26], [7, 3]):
        first, second = (set(ask(one, catalogue, history, k=10)[0]) for one in (exact, fewer))
        assert len(first & second) >= 8
    assert fitted(choices, vectors, most_exact=140, landmarks=40)[0].weights_.tobytes() == exact.weights_.tobytes()
