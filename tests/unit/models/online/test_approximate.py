"""Approximate search: exact scores, nothing that is blocked, as many as asked for, and an index that is made once."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest

from models.online.approximate import ApproximateSearch, approximate, recall
from models.online.best_products import ExactSearch


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """5,000 unit rows in 50 groups; the last 100 are zero: not learned."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((50, 32))[rng.integers(0, 50, 5000)] + rng.standard_normal((5000, 32))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[-100:] = 0
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def learned(vectors) -> np.ndarray:
    return vectors.any(axis=1)


@pytest.fixture(scope="module")
def search(vectors, learned, tmp_path_factory) -> ApproximateSearch:
    made = approximate(tmp_path_factory.mktemp("index"), "b" * 64, 1000)("text", vectors, learned)
    assert isinstance(made, ApproximateSearch)
    return made


def top(search, vector, blocked, k: int = 20) -> tuple[list[int], list[float]]:
    items, scores = np.empty(k, dtype=np.int32), np.empty(k, dtype=np.float32)
    n = search.top(vector, blocked, items, scores)
    return items[:n].tolist(), scores[:n].tolist()


def test_what_is_found_has_its_exact_score_best_first(search, vectors):
    items, scores = top(search, vectors[3], np.zeros(5000, dtype=bool))
    assert items[0] == 3
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx((vectors[items] @ vectors[3]).tolist(), abs=1e-6)


def test_most_of_the_exact_list_is_found(search, vectors, learned):
    assert recall(search, vectors, learned, vectors[:100], 50) > 0.9


def test_what_is_blocked_or_not_learned_is_never_found(search, vectors):
    best, _ = top(search, vectors[3], np.zeros(5000, dtype=bool))
    blocked = np.zeros(5000, dtype=bool)
    blocked[best] = True
    others, _ = top(search, vectors[3], blocked)
    assert len(others) == 20
    assert not set(others) & set(best)
    assert max(others) < 4900


@pytest.mark.parametrize("n_allowed", [5, 300])
def test_of_a_few_allowed_items_exactly_the_best_are_found(search, vectors, learned, n_allowed):
    blocked = np.ones(5000, dtype=bool)
    blocked[np.random.default_rng(2).permutation(4900)[:n_allowed]] = False
    items, scores = top(search, vectors[7], blocked)
    exact_items, exact_scores = top(ExactSearch(vectors, learned), vectors[7], blocked)
    assert items == exact_items
    assert scores == pytest.approx(exact_scores, abs=1e-6)


def test_rows_that_came_after_the_index_are_found_too(vectors, learned, tmp_path: Path):
    make = approximate(tmp_path, "e" * 64, 1000)
    make("text", vectors, learned)
    longer = np.concatenate([vectors, vectors[3:4] * 2])
    later = make("text", longer, np.append(learned, True))
    assert len(list(tmp_path.glob("*.faiss"))) == 1
    assert top(later, vectors[3], np.zeros(5001, dtype=bool))[0][:2] == [5000, 3]


def test_the_index_is_made_once_and_its_recall_is_logged(vectors, learned, tmp_path: Path, caplog):
    caplog.set_level(logging.INFO, logger="models.online.approximate")
    make = approximate(tmp_path, "c" * 64, 1000)
    make("als", vectors, learned)
    make("als", vectors, learned)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert re.search(r"als: 4900 vectors, 16 of 70 lists looked into, recall@100 [01]\.\d+ of 100 queries", lines[0])


def test_few_items_are_searched_exactly(vectors, learned, tmp_path: Path):
    assert isinstance(approximate(tmp_path, "d" * 64, 10_000)("text", vectors, learned), ExactSearch)
    assert list(tmp_path.iterdir()) == []
