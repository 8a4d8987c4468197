"""Calibrated: matches the list's category distribution to the candidates' scores, with a boost for fresh items."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import MICROSECONDS_A_DAY, Float32, Float64, Int32, Int64
from models.data.types import UNKNOWN_TIME, Catalogue
from models.rerankers.greedy import and_the_rest, unit_interval


class CalibratedParams(BaseModel):
    """Parameters of the trade-off between accuracy, calibration and freshness."""

    model_config = ConfigDict(extra="forbid")

    calibration: float = Field(default=0.1, ge=0)
    """Lambda: 0 keeps the ranker's order, greater follows the target distribution closer at the cost of accuracy."""
    smoothing: float = Field(default=0.01, gt=0, lt=1)
    """Share of the target mixed into the list's distribution; greater penalizes missing categories less."""
    freshness: float = Field(default=0.0, ge=0)
    """Boost of a fresh item, as a share of the range of the query's scores; 0: no boost."""
    fresh_days: float = Field(default=30.0, gt=0)
    """Items are fresh up to this age in days, relative to the catalogue's newest; items without a date never are."""
    depth: int = Field(default=10, ge=1)
    """Positions that are calibrated; the rest keeps the ranker's order (with the boost of fresh items)."""
    pool: int = Field(default=50, ge=1)
    """Number of best candidates considered for these positions."""


class Calibrated:
    """Greedy argmax of Σ score - λ · KL(target ‖ list) over the selected items (Steck 2018,
    doi:10.1145/3240323.3240372).

    Steck's target is the category distribution of the user's history. A reranker has no history, so its target
    is each category's share of the scores of all candidates of the query (scaled to 1 for the best, 0 for the last):
    it reflects the history as scored by the retrievers and the ranker, with their biases, not the history itself.
    Items without a category count as one category. The list's distribution is mixed with `smoothing` of the target,
    so that the divergence is finite. Ties keep the ranker's order.
    """

    Params: ClassVar[type[BaseModel]] = CalibratedParams

    def __init__(self, params: CalibratedParams | None = None) -> None:
        self.params = params or CalibratedParams()

    def order(self, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
        params = self.params
        n_places = min(params.depth, k, len(items))
        relevance = unit_interval(scores)
        gain = relevance + self._start(items, catalogue)
        in_order = bool((gain[1:] <= gain[:-1]).all())  # as the scores come, unless something is fresh
        best = np.arange(len(items)) if in_order else np.argsort(-gain, kind="stable")
        if params.calibration <= 0 or n_places < 2:
            return best[:k].astype(np.int64)
        n_kinds, kind = distinct(catalogue.categories[items])
        target = np.bincount(kind, relevance, minlength=n_kinds) / relevance.sum()
        pool = best[: max(params.pool, n_places)]
        pool_gain, pool_kind = gain[pool], kind[pool]
        divergence = ListDivergence(target, params.smoothing)
        chosen: list[int] = []
        for _ in range(n_places):
            costs = params.calibration * divergence.after_one_more()[pool_kind]
            taken = int((pool_gain - costs).argmax())
            chosen.append(taken)
            pool_gain[taken] = -np.inf
            divergence.add(int(pool_kind[taken]))
        return best[and_the_rest(chosen, len(items), k)].astype(np.int64)

    def _start(self, items: Int32, catalogue: Catalogue) -> Float64:
        """(n,) each item's freshness boost, in units of the range of the scores."""
        newest = int(catalogue.created_at.max(initial=UNKNOWN_TIME)) if self.params.freshness > 0 else UNKNOWN_TIME
        if newest == UNKNOWN_TIME:
            return np.zeros(len(items))
        since = newest - round(self.params.fresh_days * MICROSECONDS_A_DAY)
        created = catalogue.created_at[items]
        fresh = (created >= since) & (created != UNKNOWN_TIME)
        return np.where(fresh, self.params.freshness, 0.0)


class ListDivergence:
    """KL(target ‖ list) of a list that grows: Σ over the kinds of target · log(target / list)."""

    def __init__(self, target: Float64, smoothing: float) -> None:
        """target: (n_kinds,) shares; the list is empty."""
        self._target = target
        self._wanted = target > 0  # the terms of the other kinds are 0
        self._smoothed = smoothing * target
        self._share = 1.0 - smoothing
        self._counts = np.zeros((2, len(target)))
        self._counts[1] = 1.0
        self._mixed = np.empty_like(self._counts)
        self._ratios, self._terms = np.ones_like(self._counts), np.empty_like(self._counts)
        self._n_shown = 0

    def add(self, kind: int) -> None:
        """One more item of a kind."""
        self._counts[:, kind] += 1.0
        self._n_shown += 1

    def after_one_more(self) -> Float64:
        """(n_kinds,) the divergence after one more item of each kind.

        Every kind has two terms, without and with one more of it; the terms without it share one sum, so that one pass
        is enough for all kinds.
        """
        np.multiply(self._share, self._counts, out=self._mixed)
        self._mixed /= self._n_shown + 1.0
        self._mixed += self._smoothed
        np.divide(self._target, self._mixed, out=self._ratios, where=self._wanted)
        np.log(self._ratios, out=self._terms)
        self._terms *= self._target
        without, one_more = self._terms
        total: Float64 = np.add.reduce(without) - without + one_more
        return total


def distinct(categories: Int32) -> tuple[int, Int64]:
    """The number of different categories (-1 and above), and (n,) each one's place among them, ascending."""
    shifted = categories + 1
    occurs = np.bincount(shifted) > 0
    places = np.cumsum(occurs) - 1
    return int(places[-1]) + 1, places[shifted]
