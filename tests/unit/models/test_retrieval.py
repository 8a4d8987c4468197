"""The best of a row, gathering, fusion, MMR: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.queries import one_query
from models.data.types import Catalogue, Hits, Queries
from models.data.vocabulary import Vocabulary
from models.rankers.fusion import Fusion, FusionParams
from models.rerankers.mmr import Mmr, MmrParams
from models.retrieval.candidates import gather, reciprocal_ranks
from models.retrieval.topk import top_k, top_k_of_row


def query(excluded=(), unavailable=None) -> Queries:
    closed = None if unavailable is None else np.array(unavailable)
    return one_query("x", 0, [], [], Vocabulary(list("abcdef")), excluded_ids=list(excluded), unavailable=closed)


def test_ties_fall_by_ascending_position_also_at_the_border():
    row = np.array([1, 3, 2, 3, 2, 2], dtype=np.float32)
    assert top_k_of_row(row, 3).tolist() == [1, 3, 2]
    assert top_k_of_row(row, 4).tolist() == [1, 3, 2, 4]
    assert top_k_of_row(row, 99).tolist() == [1, 3, 2, 4, 5, 0]


def test_best_agrees_with_a_full_sort():
    rng = np.random.default_rng(1)
    for _ in range(200):
        row = rng.integers(0, 6, 40).astype(np.float32)
        row[rng.random(40) < 0.3] = -np.inf
        k = int(rng.integers(1, 45))
        whole = np.lexsort((np.arange(40), -row))
        assert top_k_of_row(row, k).tolist() == [place for place in whole if row[place] > -np.inf][:k]


def test_top_k_leaves_out_excluded_unavailable_and_unscored():
    scores = np.array([[9, 8, 7, np.nan, 5, -np.inf]], dtype=np.float32)
    hits = top_k(scores.copy(), query("a", [False, False, True, False, False, False]), 4)
    assert hits.items.tolist() == [[1, 4, -1, -1]]
    assert hits.scores.tolist() == [[8, 5, 0, 0]]


def test_gather_unites_by_query_and_item():
    one = Hits(np.array([[2, 0], [1, -1]], np.int32), np.array([[9, 8], [7, 0]], np.float32))
    two = Hits(np.array([[0, 3], [-1, -1]], np.int32), np.array([[0.5, 0.25], [0, 0]], np.float32))
    found = gather({"one": one, "two": two}, 5)
    assert found.query.tolist() == [0, 0, 0, 1]
    assert found.item.tolist() == [0, 2, 3, 1]
    assert found.ranks.tolist() == [[2, 1], [1, 0], [0, 2], [1, 0]]
    assert np.nan_to_num(found.scores, nan=-1).tolist() == [[8, 0.5], [9, -1], [-1, 0.25], [7, -1]]
    assert len(gather({}, 5)) == 0


def test_fusion_adds_weighted_reciprocal_ranks():
    ranks = np.array([[1, 0], [2, 4], [0, 1]])
    assert reciprocal_ranks(ranks, 60)[:, 1] == pytest.approx([0, 1 / 64, 1 / 61])
    features = np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0).astype(np.float32)
    fusion = Fusion(FusionParams(weights={"b": 0.5})).fit(features, None, None, ("inverse_rank:a", "inverse_rank:b"))
    expected = np.array([1 / 61, 1 / 62 + 0.5 / 64, 0.5 / 61]) / (1.5 / 61)  # 1 when both put it first
    assert fusion.score(features) == pytest.approx(expected, rel=1e-5)


def catalogue(vectors=None, categories=(0, 0, 0, 1)) -> Catalogue:
    n = len(categories)
    return Catalogue(
        vocabulary=Vocabulary([str(place) for place in range(n)]),
        titles=[None] * n,
        tags=[["x"], ["x"], ["x", "y"], ["z"]][:n],
        category_names=["p", "q"],
        categories=np.array(categories, dtype=np.int32),
        prices=np.zeros(n, dtype=np.float32),
        created_at=np.zeros(n, dtype=np.int64),
        vectors=None if vectors is None else np.array(vectors, dtype=np.float32),
    )


FOUR = np.arange(4, dtype=np.int32)
SCORES = np.array([4, 3, 2, 1], dtype=np.float32)


def test_mmr_with_relevance_alone_keeps_the_order():
    assert Mmr(MmrParams(relevance=1)).order(FOUR, SCORES, catalogue(), 3).tolist() == [0, 1, 2]


def test_mmr_by_hand():
    # relevance 1, 2/3, 1/3, 0; 1 is a copy of 0 (cosine 1), 2 is unlike it (0), 3 is its opposite (counts 0)
    # λ = 1/2, after 0: item 1 1/3 - 1/2, item 2 1/6 - 0, item 3 0 - 0 → 2; then 1: -1/6, 3: 0 → 3
    vectors = [[1, 0], [1, 0], [0, 1], [-1, 0]]
    mmr = Mmr(MmrParams(relevance=0.5))
    assert mmr.order(FOUR, SCORES, catalogue(vectors), 4).tolist() == [0, 2, 3, 1]


def test_mmr_uses_tags_where_there_are_no_vectors():
    # to 0 {x}: 1 {x} 1, 2 {x, y} 1/2, 3 {z} 0; λ = 1/2: 1/3 - 1/2, 1/6 - 1/4, 0 → 3, then 2 (-1/12 against -1/6)
    assert Mmr(MmrParams(relevance=0.5)).order(FOUR, SCORES, catalogue(), 4).tolist() == [0, 3, 2, 1]


def test_cap_of_a_category_holds_until_nothing_else_is_left():
    capped = Mmr(MmrParams(relevance=1, category_share=0.5))
    assert capped.order(FOUR, SCORES, catalogue(), 4).tolist() == [0, 1, 3, 2]
    free = catalogue(categories=(-1, -1, -1, -1))  # without a category there is no cap
    assert capped.order(FOUR, SCORES, free, 4).tolist() == [0, 1, 2, 3]


def test_places_beyond_the_depth_follow_the_ranker():
    mmr = Mmr(MmrParams(relevance=0.5, depth=2))
    assert mmr.order(FOUR, SCORES, catalogue([[1, 0], [1, 0], [0, 1], [0, 1]]), 4).tolist() == [0, 2, 1, 3]
