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
        best = np.argsort(-gain, kind="stable")
        if params.calibration <= 0 or n_places < 2:
            return best[:k].astype(np.int64)
        kinds, kind = np.unique(catalogue.categories[items], return_inverse=True)
        target = np.bincount(kind, relevance, minlength=len(kinds)) / relevance.sum()
        pool = best[: max(params.pool, n_places)]
        free = np.ones(len(pool), dtype=np.bool_)
        shown = np.zeros(len(kinds))
        chosen: list[int] = []
        while len(chosen) < n_places:
            costs = params.calibration * divergences(target, shown, params.smoothing)[kind[pool]]
            taken = int(np.argmax(np.where(free, gain[pool] - costs, -np.inf)))
            chosen.append(taken)
            free[taken] = False
            shown[kind[pool[taken]]] += 1
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


def divergences(target: Float64, shown: Float64, smoothing: float) -> Float64:
    """(n_kinds,) KL(target ‖ list) after one more item of each kind; shown: (n_kinds,) items selected so far.

    The terms of the other kinds share one sum, so one pass is enough for all kinds.
    """

    def terms(counts: Float64) -> Float64:
        """target · log(target / list), 0 where the target is 0."""
        mixed = (1.0 - smoothing) * counts / (shown.sum() + 1.0) + smoothing * target
        ratio = np.divide(target, mixed, out=np.ones(len(target)), where=target > 0)
        parts: Float64 = target * np.log(ratio)
        return parts

    without = terms(shown)
    total: Float64 = without.sum() - without + terms(shown + 1.0)
    return total
