"""Retrievers of item vectors against dense algebra: als, svd, bpr."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.queries import one_query
from models.explain import contributions
from models.retrievers.als import START, Als, AlsParams
from models.retrievers.bpr import Bpr, BprParams
from models.retrievers.svd import Svd, SvdParams
from tests.support.part_inputs import DAY, ask, make_catalogue, make_log, random_log


def als_by_loops(matrix: np.ndarray, params: AlsParams) -> tuple[np.ndarray, float]:
    """Item vectors of the same epochs from the same start, one dense system a row; and α."""
    n_users, n_items = matrix.shape
    alpha = params.unobserved * matrix.sum() / matrix.size
    start = np.random.default_rng(params.seed).standard_normal((n_items, params.embedding_size))
    items, users = start * START / np.sqrt(params.embedding_size), np.zeros((n_users, params.embedding_size))
    for _ in range(params.epochs):
        for rows, out, fixed in ((matrix, users, items), (matrix.T, items, users)):
            for place, row in enumerate(rows):
                ridge = params.regularization * (row.sum() + alpha * len(row)) ** params.frequency_scaling
                system = fixed.T @ np.diag(row + alpha) @ fixed + ridge * np.eye(params.embedding_size)
                out[place] = np.linalg.inv(system) @ fixed.T @ row
    return items, alpha


def test_als_vectors_are_those_of_dense_systems_solved_one_by_one():
    log, matrix = random_log()
    params = AlsParams(embedding_size=4, epochs=3, regularization=0.1)
    expected, _ = als_by_loops(matrix, params)
    assert Als(params).fit(log, make_catalogue(12)).vectors_ == pytest.approx(expected, abs=1e-4)


def test_als_solves_a_user_from_the_history_so_that_no_other_vector_fits_it_better():
    log, matrix = random_log()
    catalogue = make_catalogue(12)
    params = AlsParams(embedding_size=4, epochs=3, regularization=0.1, half_life_days=None, half_life_events=1)
    als = Als(params).fit(log, catalogue)
    items, alpha = als_by_loops(matrix, params)
    weights = np.zeros(12)
    weights[[3, 8, 1]] = [0.25, 0.5, 1.0]  # oldest, middle, newest
    ridge = params.regularization * np.sqrt(weights.sum() + alpha * 12)
    user = np.linalg.solve(items.T @ np.diag(weights + alpha) @ items + ridge * np.eye(4), items.T @ weights)
    expected = items @ user
    found, scores = ask(als, catalogue, [3, 8, 1], k=9)
    assert scores == pytest.approx(expected[found], abs=1e-4)
    assert set(found) == set(range(12)) - {1, 3, 8}


def test_als_gives_the_same_bits_on_one_thread_and_on_all():
    import numba

    log, _ = random_log(200, 40)
    whole = Als(AlsParams(embedding_size=8)).fit(log, make_catalogue(40)).vectors_
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        single = Als(AlsParams(embedding_size=8)).fit(log, make_catalogue(40)).vectors_
    finally:
        numba.set_num_threads(before)
    assert whole.tobytes() == single.tobytes()


def test_als_sums_a_long_row_in_parts_to_the_same_vector(monkeypatch):
    from models.retrieval.least_squares import CHUNK, solve_rows

    rng = np.random.default_rng(2)
    n = CHUNK + 10
    fixed = rng.normal(size=(n, 3)).astype(np.float32)
    weights = rng.random(n).astype(np.float32)
    out = np.zeros((1, 3), dtype=np.float32)
    solve_rows(np.array([0, n]), np.arange(n, dtype=np.int32), weights, fixed, np.eye(3), np.array([2.0]), out)
    wide = fixed.astype(np.float64)
    expected = np.linalg.solve(wide.T @ (wide * weights[:, None]) + 3 * np.eye(3), wide.T @ weights)
    assert out[0] == pytest.approx(expected, abs=1e-5)


def test_svd_projects_the_history_on_the_leading_directions():
    log, matrix = random_log()
    catalogue = make_catalogue(12)
    svd = Svd(SvdParams(n_components=3, damping=0.0, half_life_days=None)).fit(log, catalogue)
    _, _, right = np.linalg.svd(matrix)
    directions = right[:3].T
    expected = directions @ (directions[2] + directions[7])
    expected[[2, 7]] = -1
    items, scores = ask(svd, catalogue, [2, 7])
    assert items == np.argsort(-expected)[:3].tolist()
    assert scores == pytest.approx(np.sort(expected)[::-1][:3], abs=1e-5)
    query = one_query("x", DAY, ["i2", "i7"], [0, 1], catalogue.vocabulary)
    falls = contributions(svd, query, [np.array([2]), np.array([7])], np.array(items[:1]))[:, 0]
    assert falls == pytest.approx(directions[[2, 7]] @ directions[items[0]], abs=1e-5)


def test_svd_damps_an_item_by_a_power_of_its_length():
    log, matrix = random_log()
    svd = Svd(SvdParams(n_components=12, damping=1.0)).fit(log, make_catalogue(12))
    lengths = np.linalg.norm(matrix, axis=0)
    expected = np.linalg.eigh((matrix / lengths).T @ (matrix / lengths))[1][:, ::-1]
    assert np.abs((svd.vectors_ * expected).sum(axis=0)) == pytest.approx(np.ones(12), abs=1e-4)


def test_bpr_score_is_the_mean_of_the_history_and_the_bias():
    log, _ = random_log()
    catalogue = make_catalogue(12)
    bpr = Bpr(BprParams(embedding_size=3, epochs=5, half_life_days=None)).fit(log, catalogue)
    vectors, bias = bpr.vectors_[:, :-1], bpr.vectors_[:, -1]
    expected = vectors @ (vectors[4] + vectors[9]) / 2 + bias
    items, scores = ask(bpr, catalogue, [4, 9], k=10)
    assert scores == pytest.approx(expected[items], abs=1e-5)
    query = one_query("x", DAY, ["i4", "i9"], [0, 1], catalogue.vocabulary)
    falls = contributions(bpr, query, [np.array([4]), np.array([9])], np.array(items[:1]))[:, 0]
    apart = (vectors[4] - vectors[9]) @ vectors[items[0]] / 2  # of a mean, what is left speaks alone
    assert falls == pytest.approx([apart, -apart], abs=1e-5)


@pytest.mark.parametrize(
    "retriever", [Als(AlsParams(embedding_size=4)), Bpr(BprParams(embedding_size=4)), Svd(SvdParams(n_components=2))]
)
def test_two_crowds_are_told_apart_and_items_that_nobody_chose_are_never_offered(retriever):
    # users of one crowd chose four of items 0..4, of the other four of 5..9; item 10 nobody
    rows = [(user, 5 * (user % 2) + item, 1) for user in range(40) for item in range(5) if item != user // 2 % 5]
    catalogue = make_catalogue(11)
    retriever.fit(make_log(rows), catalogue)
    items, _ = ask(retriever, catalogue, [0, 1, 2, 3], k=11)
    assert items[0] == 4
    assert 10 not in items
    assert ask(retriever, catalogue, [5, 6, 7, 8], k=11)[0][0] == 9
    assert ask(retriever, catalogue, [10], k=11)[0] == [-1] * 11
