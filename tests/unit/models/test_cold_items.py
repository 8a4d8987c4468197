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


def test_text_alone_is_the_standardized_cosine():
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)
    retriever, catalogue = fitted([(0, 0, 1), (1, 0, 1)], vectors, collaborative=0)
    items, scores = ask(retriever, catalogue, [0], k=3)
    assert items == [1, 2, 3]
    # cosines 0.6, 0, -1: mean -0.4 / 3, variance 1.36 / 3 - (0.4 / 3)² = 0.43556, deviation 0.65997
    assert scores == pytest.approx([0.73333 / 0.65997, 0.13333 / 0.65997, -0.86667 / 0.65997], rel=1e-4)


def test_a_cold_item_takes_the_directions_of_the_warm_ones_that_read_like_it():
    retriever, catalogue = fitted(CHOICES, VECTORS, collaborative=2.0, n_components=2)
    # no word of item 2 is in 3 or 4, but those who chose it chose 0, like which 3 reads
    items, scores = ask(retriever, catalogue, [2], k=2)
    assert items == [3, 4]
    # 0, 1 and 2 have two users each, so the same demand; directions (0 and 2) / √2 and 1: products 1/2 and 0, z = ±1
    assert scores == pytest.approx([2.0, -2.0], rel=1e-4)
    assert ask(fitted(CHOICES, VECTORS, collaborative=0)[0], catalogue, [2], k=2)[1].tolist() == [0, 0]


def test_nearer_neighbors_count_by_the_cube_of_their_cosine():
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.8, 0.6, 0], [0, 1, 0]], dtype=np.float32)
    retriever, _ = fitted(CHOICES, vectors, n_components=2)
    product = retriever.directions_ @ retriever.directions_[0]
    # of item 3: 0.8³ · (item 0 · item 0 = 1/2) + 0.6³ · (item 1 · item 0 = 0), over 0.8³ + 0.6³
    assert product[3] == pytest.approx(0.512 * 0.5 / (0.512 + 0.216), rel=1e-4)
    single, _ = fitted(CHOICES, vectors, n_components=2, neighbors=1)
    assert (single.directions_ @ single.directions_[0])[3] == pytest.approx(0.5, rel=1e-4)


def test_between_items_alike_to_the_history_the_demand_that_the_text_lets_expect_decides():
    vectors = np.array([[1, 0, 0], [-1, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]], dtype=np.float32)
    choices = [(user, 0, 1) for user in range(2)] + [(user, 1, 1) for user in range(4)] + [(9, 4, 1), (8, 4, 1)]
    retriever, catalogue = fitted(choices, vectors, popularity_prior=0.3, collaborative=0)
    items, scores = ask(retriever, catalogue, [4], k=3)
    assert items == [3, 2, -1]  # item 1 has four users, item 0 two, and 4 reads like neither
    assert scores[:2] == pytest.approx([0.3, -0.3])


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
    retriever, catalogue = fitted(CHOICES, VECTORS)
    catalogue.titles[0], catalogue.titles[2] = "Moss", "Ferns"
    query = one_query("x", 9 * DAY, ["i0", "i2"], [DAY, DAY], catalogue.vocabulary)
    ones = np.ones((1, 1), dtype=np.float32)
    slate = Slate(
        items=np.array([[3]], dtype=np.int32), scores=ones, sources=ones[..., None], retrievers=("cold_items",)
    )
    assert reasons({"cold_items": retriever}, catalogue, query, slate) == [["Because of “Moss” in your history"]]
