"""The rerankers show what their plain forms show, over random queries of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.data.types import Catalogue
from models.data.vocabulary import Vocabulary
from models.registry import make, part_names
from tests.support.plain_rerankers import plain_order

N_ITEMS, N_QUERIES = 700, 300
PARAMS = {
    "mmr": [{}, {"category_share": 0.2}, {"relevance": 0.5, "category_share": 0.1, "depth": 30}, {"relevance": 0.0}],
    "dpp": [{}, {"category_share": 0.2}, {"relevance": 0.5, "category_share": 0.1, "depth": 30}, {"relevance": 0.0}],
    "calibrated": [{}, {"calibration": 2.0, "freshness": 0.3}, {"calibration": 0.5, "depth": 40, "pool": 20}],
}
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(N_ITEMS, 48)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[::9] = vectors[1]  # copies
    vectors[::17] = 0  # without text
    tags = [[f"t{tag}" for tag in rng.integers(0, 9, rng.integers(0, 4))] for _ in range(N_ITEMS)]
    return Catalogue(
        vocabulary=Vocabulary([str(place) for place in range(N_ITEMS)]),
        titles=[None] * N_ITEMS,
        tags=tags,
        category_names=[f"c{number}" for number in range(8)],
        categories=rng.integers(-1, 8, N_ITEMS).astype(np.int32),
        prices=np.full(N_ITEMS, np.nan, dtype=np.float32),
        created_at=rng.integers(0, 100, N_ITEMS) * DAY,
        vectors=vectors,
    )


def test_every_reranker_has_params_here():
    assert sorted(PARAMS) == part_names("reranker")


@pytest.mark.parametrize("texts", [True, False])
@pytest.mark.parametrize("name", PARAMS)
def test_lists_are_those_of_the_plain_form(name, texts, catalogue):
    rng = np.random.default_rng(2)
    catalogue = catalogue if texts else replace(catalogue, vectors=None)
    for query in range(N_QUERIES):
        reranker = make("reranker", name, PARAMS[name][query % len(PARAMS[name])])
        n = int(rng.choice([0, 1, 2, 9, 49, 50, 51, 300, 600], p=[0.02, 0.03, 0.1, 0.2, 0.1, 0.1, 0.1, 0.25, 0.1]))
        items = rng.permutation(N_ITEMS)[:n].astype(np.int32)
        scores = np.sort(rng.choice([rng.normal(size=n), rng.integers(0, 3, n)]).astype(np.float32))[::-1]
        k = int(rng.choice([1, 2, 10, 100]))
        order = reranker.order(items, scores, catalogue, k)
        if n:
            assert order.tolist() == plain_order(reranker, items, scores, catalogue, k).tolist()
        else:
            assert order.tolist() == []
        assert order.dtype == np.int64
