"""DPP: selects relevant items whose vectors span a large volume (determinantal point process)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from features.arrays import Float32, Float64, Int32, Int64
from models.data.types import Catalogue
from models.rerankers.greedy import Filling, VarietyParams, common_tags, cosines

NOTHING_NEW = 1e-6  # an item with a smaller residual is spanned by the selected items (float32 resolution)


class DppParams(VarietyParams):
    """Parameters of the trade-off between accuracy and diversity; `relevance` is theta."""


class Dpp:
    """Greedy argmax of θ · Σ relevance + (1 - θ) · log det S over the selected items.

    Chen, Zhang, Zhou 2018, arXiv:1709.05135.

    Relevance is 1 for the pool's best and 0 for its last. S is (1 + cosine) / 2 of text vectors, or the share of common
    tags where there are no vectors, and 1 of an item with itself: a positive semidefinite kernel, so that each next
    item adds θ · relevance + (1 - θ) · log(its residual), the part in (0, 1] of it that the selected items do not span;
    a Cholesky factor that grows by a row per item tracks the residuals. A fully spanned item (a copy) comes after all
    others that the cap allows. Ties keep the ranker's order.
    """

    Params: ClassVar[type[BaseModel]] = DppParams

    def __init__(self, params: DppParams | None = None) -> None:
        self.params = params or DppParams()

    def order(self, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
        filling = Filling.of(self.params, items, scores, catalogue, k)
        if filling is None:
            return np.arange(min(k, len(items)), dtype=np.int64)
        unlike = 1 - self.params.relevance
        residuals = np.ones(len(filling.pool))
        factor = np.zeros(
            (filling.n_places, len(filling.pool))
        )  # Cholesky rows of the selected items, one per position
        while not filling.full:
            allowed = filling.allowed()
            if unlike > 0:
                new = allowed & (residuals > NOTHING_NEW)
                allowed = new if new.any() else allowed
            variety = unlike * np.log(np.maximum(residuals, NOTHING_NEW))
            n_shown = len(filling.chosen)
            taken = filling.take(filling.gain + variety, allowed)
            if residuals[taken] > NOTHING_NEW and unlike > 0:
                shown_rows = factor[:n_shown]
                shared = (shown_rows * shown_rows[:, taken, None]).sum(axis=0)
                row = (_kernel(filling.pool, taken, catalogue) - shared) / np.sqrt(residuals[taken])
                factor[n_shown] = row
                residuals = np.maximum(residuals - row**2, 0.0)
        return filling.order(len(items), k)


def _kernel(pool: Int32, index: int, catalogue: Catalogue) -> Float64:
    """(n_pool,) row of S."""
    if catalogue.vectors is None:
        row = common_tags(pool, index, catalogue)
    else:
        row = (1.0 + cosines(pool, index, catalogue.vectors)) / 2.0
    row[index] = 1.0  # also for items without text or tags
    return row
