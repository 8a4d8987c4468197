"""Pseudo-new items: known items are taken out of the histories, and the map gets the settings that rank them best."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from features.arrays import Float32, Float64, Int64
from models.compute.threads import one_thread
from models.retrieval.text_to_collaborative.closed_form import (
    MapSettings,
    TasteSide,
    co_choices,
    combined,
    demand_slopes,
    solved,
    standardized_rows,
    text_factor,
)

logger = logging.getLogger(__name__)

MOST_TAUGHT, MOST_HELD, FEW_USERS, MANY_USERS = 1600, 400, 300, 900  # of a fold
LEAST_HELD, LEAST_USERS = 20, 20  # with fewer the settings stay those of the start
K, KEPT, KEPT_LAST = 10, 4, 2
SHARES = (0.15, 0.35, 0.65)
POWERS: dict[Literal[1, 2], float] = {1: 2.0, 2: 0.3}  # power of the cosine → κ of the start
KAPPAS, SMOOTHINGS = (1 / 3, 1.0, 3.0), (1 / 3, 1.0, 3.0)  # factors of what they are at the start
DEMANDS, TEXTS = (0.0, 0.3, 0.6, 0.9), (0.0, 0.3)


@dataclass(frozen=True)
class Choice:
    """The settings chosen, NDCG@10 of pseudo-new items by them, and how many settings were tried."""

    settings: MapSettings
    ndcg: float
    n_tried: int


class Fold:
    """Items taught and items held out, with what a setting needs of them; made once."""

    def __init__(self, matrix: sparse.csr_matrix, vectors: Mapping[str, Float32], taught: Int64, held: Int64) -> None:
        """matrix: (n_users, n_items) choices; vectors: (n_items, size) by encoder."""
        known = matrix[:, taught].tocsr()
        known.data = np.ones_like(known.data)
        self.n_users = np.asarray(known.getnnz(axis=0), dtype=np.int64)
        self._together = co_choices(known)
        with one_thread():
            self._between = {name: rows[taught] @ rows[taught].T for name, rows in vectors.items()}
            self._new = {name: rows[taught] @ rows[held].T for name, rows in vectors.items()}
        self._taste: dict[float, TasteSide] = {}
        wanted = matrix[:, held].tocsr()
        asked = np.flatnonzero((known.getnnz(axis=1) > 0) & (wanted.getnnz(axis=1) > 0))
        asked = asked[np.linspace(0, len(asked) - 1, min(MANY_USERS, len(asked))).astype(np.int64)]
        self._histories, self._targets = known[asked], wanted[asked]

    @property
    def n_asked(self) -> int:
        return int(self._histories.shape[0])

    def figures(self, settings: MapSettings, few: bool) -> Float64:
        """(n_demands, n_texts) NDCG@10 with each weight of demand and of text in place of the settings'."""
        rows = slice(None, None, max(self.n_asked // FEW_USERS, 1)) if few else slice(None)
        histories, targets = self._histories[rows], self._targets[rows]
        if settings.smoothing not in self._taste:
            self._taste[settings.smoothing] = TasteSide.of(self._together, self.n_users, settings.smoothing)
        new = combined(self._new, settings)
        factor = text_factor(combined(self._between, settings), settings.kappa)
        mapped = histories @ self._taste[settings.smoothing].smoothed(solved(factor, new))
        alike = histories @ new
        demand = standardized_rows((new.T @ demand_slopes(factor, self.n_users))[None])[0]
        mapped, alike = mapped / _spread(mapped), alike / _spread(alike)
        figures = np.zeros((len(DEMANDS), len(TEXTS)))
        for column, text in enumerate(TEXTS):
            scores = standardized_rows(mapped + np.float32(text) * alike)
            for row, weight in enumerate(DEMANDS):
                figures[row, column] = _ndcg(scores + np.float32(weight) * demand, targets)
        return figures


def choose_settings(
    matrix: sparse.csr_matrix,
    vectors: Mapping[str, Float32],
    warm: Int64,
    seed: int,
    also: Sequence[MapSettings] = (),
) -> Choice:
    """By successive halving over two folds of the warm items; the same input gives the same choice.

    matrix: (n_users, n_items) choices; vectors: (n_items, size) unit rows by encoder; warm: items to hold out and to
    teach with, each with a vector; also: settings that are tried in the last round as well.
    """
    started = time.monotonic()
    start = MapSettings(weights={name: 1.0 / len(vectors) for name in vectors})
    folds = [fold for fold in _folds(matrix, vectors, warm, seed) if fold.n_asked >= LEAST_USERS]
    if not folds or len(warm) < 5 * LEAST_HELD:
        return Choice(start, float("nan"), 0)
    candidates = [
        start.model_copy(update={"weights": weights, "power": power, "kappa": kappa})
        for weights in _shares(sorted(vectors))
        for power, kappa in POWERS.items()
    ]
    n_tried = len(candidates)
    kept = [settings for _, settings in _ranked(candidates, folds[:1], few=True)[:KEPT]]
    candidates = [each.model_copy(update={"kappa": each.kappa * factor}) for each in kept for factor in KAPPAS]
    kept = [settings for _, settings in _ranked(candidates, folds, few=False)[:KEPT_LAST]]
    n_tried += len(candidates)
    candidates = [
        each.model_copy(update={"smoothing": each.smoothing * factor}) for each in kept for factor in SMOOTHINGS
    ]
    candidates += also
    best, settings = _ranked(candidates, folds, few=False)[0]
    n_tried += len(candidates)
    logger.info("map n_tried=%d ndcg@10=%.4f seconds=%.1f %s", n_tried, best, time.monotonic() - started, settings)
    return Choice(settings, best, n_tried)


def _folds(matrix: sparse.csr_matrix, vectors: Mapping[str, Float32], warm: Int64, seed: int) -> Iterable[Fold]:
    order = np.random.default_rng(seed).permutation(warm)
    n_held = min(MOST_HELD, len(warm) // 5)
    for held in (order[:n_held], order[n_held : 2 * n_held]):
        rest = order[~np.isin(order, held)][-MOST_TAUGHT:]
        yield Fold(matrix, vectors, np.sort(rest), np.sort(held))


def _shares(names: list[str]) -> list[dict[str, float]]:
    """Weights of the kernels: each alone, all alike, and each with some share while the others share the rest."""
    alone = [{name: float(name == chosen) for name in names} for chosen in names]
    if len(names) == 1:
        return alone
    mixed = [
        {name: share if name == chosen else (1 - share) / (len(names) - 1) for name in names}
        for chosen in names
        for share in SHARES
    ]
    distinct = {tuple(round(weight, 6) for weight in weights.values()): weights for weights in [*alone, *mixed]}
    return list(distinct.values())


def _ranked(candidates: list[MapSettings], folds: list[Fold], *, few: bool) -> list[tuple[float, MapSettings]]:
    """The candidates with their best weights of demand and text, best first; equal ones in the order given."""
    ranked = []
    for settings in candidates:
        figures = np.mean([fold.figures(settings, few) for fold in folds], axis=0)
        row, column = np.unravel_index(int(np.argmax(figures)), figures.shape)
        chosen = settings.model_copy(update={"demand": DEMANDS[row], "text": TEXTS[column]})
        ranked.append((float(figures[row, column]), chosen))
    return sorted(ranked, key=lambda pair: -pair[0])


def _spread(scores: Float32) -> np.float32:
    """The mean over users of the standard deviation of their scores; 1 where there is none."""
    return np.float32(scores.std(axis=1).mean()) or np.float32(1.0)


def _ndcg(scores: Float32, targets: sparse.csr_matrix) -> float:
    """Mean NDCG@10; targets: (n_users, n_items), each row with an entry (as models/evaluation/metrics.py)."""
    lists = np.argpartition(-scores, K, axis=1)[:, :K]
    best_first = np.argsort(-np.take_along_axis(scores, lists, axis=1), axis=1, kind="stable")
    lists = np.take_along_axis(lists, best_first, axis=1)
    rows = np.repeat(np.arange(len(lists)), K)
    hits = np.asarray(targets[rows, lists.ravel()]).reshape(lists.shape) > 0
    discount = 1.0 / np.log2(np.arange(2, K + 2))
    ideal = np.cumsum(discount)[np.minimum(targets.getnnz(axis=1), K) - 1]
    return float(((hits @ discount) / ideal).mean())
