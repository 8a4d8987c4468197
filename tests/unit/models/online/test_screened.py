"""Vectors rounded to a byte a dimension decide which exact products are needed, and never which items are the best."""

from __future__ import annotations

import numpy as np
import pytest

from models.online.best_products import ExactSearch, exact
from models.online.screened import LEAST_BYTES, ScreenedSearch


def best(search: object, vector: np.ndarray, blocked: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    items, scores = np.empty(k, dtype=np.int32), np.empty(k, dtype=np.float32)
    n = search.top(vector, blocked, items, scores)  # type: ignore[attr-defined]
    return items[:n], scores[:n]


def vectors_like(kind: str, rng: np.random.Generator) -> np.ndarray:
    vectors = rng.normal(size=(2000, 48)).astype(np.float32)
    if kind == "near each other":
        vectors = (vectors[:1] + 1e-4 * vectors).astype(np.float32)
    if kind == "of many lengths":
        vectors *= np.exp(rng.normal(scale=4, size=(len(vectors), 1))).astype(np.float32)
    if kind == "alike":
        vectors = vectors[rng.integers(0, 20, len(vectors))]
    return np.ascontiguousarray(vectors)


@pytest.mark.parametrize("kind", ["any", "near each other", "of many lengths", "alike"])
@pytest.mark.parametrize("k", [1, 30, 3000])
def test_the_best_are_those_of_exact_products(kind: str, k: int) -> None:
    rng = np.random.default_rng(k)
    vectors, learned = vectors_like(kind, rng), rng.random(2000) < 0.9
    vectors[~learned] = 0
    search, plain = ScreenedSearch.of(vectors, learned), ExactSearch(vectors, learned)
    for _ in range(20):
        vector, blocked = vectors[rng.integers(0, 2000, 3)].sum(axis=0), rng.random(2000) < 0.3
        items, scores = best(search, vector, blocked, k)
        expected, expected_scores = best(plain, vector, blocked, k)
        assert len(items) == len(expected) == len(set(items.tolist()))
        assert (learned & ~blocked)[items].all()
        # the length of a product of this precision, where terms cancel out
        near = 1e-6 * np.linalg.norm(vector) * np.linalg.norm(vectors[expected], axis=1).max(initial=0.0)
        np.testing.assert_allclose(scores, expected_scores, rtol=1e-5, atol=near)
        np.testing.assert_allclose(vectors[items] @ vector, expected_scores, rtol=1e-5, atol=near)


def test_without_numbers_nothing_is_offered_and_without_items_either() -> None:
    vectors, all_of = np.eye(4, dtype=np.float32), np.ones(4, dtype=np.bool_)
    search, nan = ScreenedSearch.of(vectors, all_of), np.full(4, np.nan, dtype=np.float32)
    assert len(best(search, nan, ~all_of, 2)[0]) == 0
    assert len(best(search, vectors[0], all_of, 2)[0]) == 0
    assert best(search, vectors[2], ~all_of, 1)[0].tolist() == [2]


def test_only_vectors_that_do_not_stay_in_the_cache_are_searched_so() -> None:
    n_rows = LEAST_BYTES // (64 * 4)
    large = np.ones((n_rows, 64), dtype=np.float32)
    learned = np.ones(n_rows, dtype=np.bool_)
    assert isinstance(exact("text", large, learned), ScreenedSearch)
    assert isinstance(exact("text", large[:-1], learned[:-1]), ExactSearch)
