"""The peers: popular, EASE, RP3beta, markov in plain numpy and scipy, and implicit's ALS, BPR and item kNN.

A peer is a function of (past, setting) that gives scores: queries → (n, n_items), higher is better. Its grid holds at
most four settings; the one with the best NDCG@10 on valid is fitted again and asked for the test.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from benchmarks.peers.markov import followers, newest, transitions
from benchmarks.peers.past import Array, Asked, Int64, Past

Scores = Callable[[Asked], Array]
Setting = Mapping[str, Any]

SEED = 1
DEPTH = 20
QUERIES_AT_ONCE = 500
ITEMS_AT_ONCE = 2_000
EASE_ITEMS = 20_000  # above, its dense float64 matrices take more than 3 GB each


@dataclass(frozen=True)
class Peer:
    """A fit and the settings that valid chooses among.

    of_users: it knows a user by a row of its own and not by a history, so that it hears of nothing after its fit.
    """

    fit: Callable[[Past, Setting], Scores]
    grid: tuple[Setting, ...]
    of_users: bool = False


def popular(past: Past, setting: Setting) -> Scores:
    """Σ 2^(-age / half life) over the users who chose the item; half_life [days], None: a choice never ages."""
    half_life = setting["half_life"]
    weights = np.ones(len(past.ages)) if half_life is None else np.exp2(-past.ages / half_life)
    scores = np.bincount(past.chosen.indices, weights, minlength=past.n_items)
    return lambda asked: np.tile(scores, (len(asked), 1))


def ease_weights(chosen: Any, penalty: float) -> Array:
    """(n_items, n_items) float64 of EASE: B = I - P / diag P with P = (XᵀX + λ I)⁻¹ (Steck 2019,
    doi:10.1145/3308558.3313710, equation 8)."""
    exact = chosen.astype(np.float64)
    gram = np.asarray((exact.T @ exact).todense())
    gram[np.diag_indices_from(gram)] += penalty
    factor, _ = linalg.lapack.dpotrf(gram, lower=0, overwrite_a=1)
    upper, _ = linalg.lapack.dpotri(factor, lower=0, overwrite_c=1)
    weights = np.triu(upper) + np.triu(upper, 1).T
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)


def ease(past: Past, setting: Setting) -> Scores:
    """Of the whole history; with `power`: the n-th newest act of it counts n^-power."""
    weights, power = ease_weights(past.chosen, setting["penalty"]), setting.get("power")

    def scores(asked: Asked) -> Array:
        profile = None if power is None else newest(asked.histories, power)
        return np.asarray(asked.histories.matrix(past.n_items, profile) @ weights)

    return scores


def rp3beta(past: Past, setting: Setting) -> Scores:
    """Three steps of a random walk user → item → user → item, less the target's popularity to the power beta; of each
    item the `kept` weightiest neighbors (Paudel et al. 2017, doi:10.1145/2955101)."""
    ones = past.chosen.astype(np.float64)
    of_user, of_item = (np.maximum(np.asarray(ones.sum(axis=axis)).ravel(), 1.0) for axis in (1, 0))
    forth = (sparse.diags(1.0 / of_user) @ ones @ sparse.diags(of_item ** -setting["beta"])).tocsr()
    back = (sparse.diags(1.0 / of_item) @ ones.T).tocsr()
    blocks = []
    for start in range(0, back.shape[0], ITEMS_AT_ONCE):
        block = np.asarray((back[start : start + ITEMS_AT_ONCE] @ forth).todense())
        rows = np.arange(len(block))
        block[rows, start + rows] = 0.0
        if block.shape[1] > setting["kept"]:
            block[block < np.partition(block, -setting["kept"], axis=1)[:, [-setting["kept"]]]] = 0.0
        blocks.append(sparse.csr_matrix(block))
    weights = sparse.vstack(blocks).tocsr()
    return lambda asked: np.asarray((asked.histories.matrix(past.n_items) @ weights).todense())


def markov(past: Past, setting: Setting) -> Scores:
    """What followed the `last` newest acts of a history within `window` acts, the n-th newest counting 1 / n."""
    found = transitions(past.histories, past.n_items, setting["window"])
    weights = followers(found, past.chosen, setting["shrinkage"], setting["beta"])

    def scores(asked: Asked) -> Array:
        profile = newest(asked.histories, 1.0, setting["last"])
        return np.asarray((asked.histories.matrix(past.n_items, profile) @ weights).todense())

    return scores


def _factors(model: Any) -> Scores:
    return lambda asked: np.asarray(model.user_factors[asked.rows] @ model.item_factors.T)


def als(past: Past, setting: Setting) -> Scores:
    """implicit's AlternatingLeastSquares on one thread."""
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(**setting, iterations=15, num_threads=1, random_state=SEED)
    model.fit(past.chosen, show_progress=False)
    return _factors(model)


def bpr(past: Past, setting: Setting) -> Scores:
    """implicit's BayesianPersonalizedRanking on one thread."""
    from implicit.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(**setting, num_threads=1, random_state=SEED)
    model.fit(past.chosen, show_progress=False)
    return _factors(model)


def item_knn(past: Past, setting: Setting) -> Scores:
    """implicit's CosineRecommender on one thread."""
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(**setting, num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of a conversion inside itself
        model.fit(past.chosen, show_progress=False)
    return lambda asked: np.asarray((asked.histories.matrix(past.n_items) @ model.similarity).todense())


PEERS: Mapping[str, Peer] = {
    "popular": Peer(popular, tuple({"half_life": days} for days in (7.0, 30.0, 90.0, None))),
    "EASE": Peer(ease, tuple({"penalty": penalty} for penalty in (50.0, 200.0, 700.0, 2500.0))),
    "EASE, newest first": Peer(
        ease, tuple({"penalty": penalty, "power": power} for penalty in (200.0, 700.0) for power in (0.5, 1.0))
    ),
    "implicit ALS": Peer(
        als,
        (
            {"factors": 32, "regularization": 0.05, "alpha": 1.0},
            {"factors": 64, "regularization": 0.05, "alpha": 1.0},
            {"factors": 64, "regularization": 5.0, "alpha": 5.0},
            {"factors": 128, "regularization": 5.0, "alpha": 1.0},
        ),
        of_users=True,
    ),
    "implicit BPR": Peer(
        bpr,
        (
            {"factors": 64, "learning_rate": 0.05, "regularization": 0.01, "iterations": 50},
            {"factors": 64, "learning_rate": 0.05, "regularization": 0.05, "iterations": 50},
            {"factors": 64, "learning_rate": 0.02, "regularization": 0.01, "iterations": 100},
            {"factors": 32, "learning_rate": 0.1, "regularization": 0.02, "iterations": 50},
        ),
        of_users=True,
    ),
    "implicit item kNN": Peer(item_knn, tuple({"K": kept} for kept in (20, 50, 100, 300))),
    "RP3beta": Peer(rp3beta, tuple({"beta": beta, "kept": 300} for beta in (0.0, 0.3, 0.6, 0.9))),
    "markov": Peer(
        markov,
        tuple(
            {"window": 20, "last": last, "shrinkage": 50.0, "beta": beta} for last in (3, 20) for beta in (0.0, 0.25)
        ),
    ),
}


def ranked(past: Past, asked: Asked, scores: Scores, depth: int = DEPTH) -> Int64:
    """Lists (n_queries, depth) of items, best first, ties by item, -1 pads: every item that somebody chose and the user
    has not seen competes; a query without a history gets nothing."""
    offered = np.asarray(past.chosen.sum(axis=0)).ravel() > 0
    lists = np.full((len(asked), depth), -1, dtype=np.int64)
    known = np.flatnonzero(np.diff(asked.histories.offsets))
    for start in range(0, len(known), QUERIES_AT_ONCE):
        queries = known[start : start + QUERIES_AT_ONCE]
        part = asked.part(queries)
        found = np.array(scores(part), dtype=np.float64)
        found[:, ~offered] = -np.inf
        found[part.seen.nonzero()] = -np.inf
        best = np.argsort(-found, axis=1, kind="stable")[:, :depth]
        there = np.take_along_axis(found, best, axis=1) > -np.inf
        lists[queries, : best.shape[1]] = np.where(there, best, -1)
    return lists
