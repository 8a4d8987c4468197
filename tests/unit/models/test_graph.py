"""Graph: walks against products of dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from models.retrievers.graph import Graph, GraphParams
from tests.support.part_inputs import ask, make_catalogue, make_log, random_log


def test_a_walk_by_hand():
    # user 0 chose 0, 1, 2; user 1 chose 0, 1; user 2 chose 3. From item 0: half to each of users 0 and 1,
    # from user 0 a third to each item, from user 1 a half; item 1 was chosen by 2, item 2 by 1.
    log = make_log([(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 1, 1), (2, 3, 1)])
    graph = Graph(GraphParams(alpha=1, beta=1, half_life_days=None)).fit(log, make_catalogue(4))
    expected = [0, (1 / 2 * 1 / 3 + 1 / 2 * 1 / 2) / 2, 1 / 2 * 1 / 3, 0]
    assert graph.weights_.toarray()[0] == pytest.approx(expected)
    assert ask(graph, make_catalogue(4), [0])[0] == [1, 2, -1]
    assert ask(graph, make_catalogue(4), [3])[0] == [-1, -1, -1]


def test_weights_are_dense_products_of_powers_and_the_popular_pay():
    log, matrix = random_log()
    graph = Graph(GraphParams(alpha=0.7, beta=0.4, neighbors=12)).fit(log, make_catalogue(12))
    to_items = (matrix / matrix.sum(axis=1, keepdims=True).clip(1e-9)) ** 0.7
    to_users = (matrix.T / matrix.sum(axis=0)[:, None]) ** 0.7
    expected = to_users @ to_items / matrix.sum(axis=0) ** 0.4
    np.fill_diagonal(expected, 0)
    assert graph.weights_.toarray() == pytest.approx(expected, abs=1e-6)


def test_only_the_nearest_are_kept():
    log, _ = random_log()
    whole = Graph(GraphParams(neighbors=12)).fit(log, make_catalogue(12)).weights_.toarray()
    few = Graph(GraphParams(neighbors=3)).fit(log, make_catalogue(12)).weights_.toarray()
    for row, kept in zip(whole, few, strict=True):
        assert sorted(kept[kept > 0]) == sorted(row)[-3:]


def test_the_score_is_the_sum_over_the_history_with_recency():
    log, _ = random_log()
    catalogue = make_catalogue(12)
    params = GraphParams(neighbors=12, half_life_days=10)
    graph = Graph(params).fit(log, catalogue)
    weights = graph.weights_.toarray()
    expected = 0.5 * weights[3] + weights[8]
    items, scores = ask(graph, catalogue, [3, 8], days=[0, 10], k=5)
    assert scores == pytest.approx(expected[items], rel=1e-5)
    assert items == [item for item in np.argsort(-expected, kind="stable") if item not in {3, 8}][:5]
