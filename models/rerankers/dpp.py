"""DPP: selects relevant items whose vectors span a large volume (determinantal point process)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from features.arrays import Float32, Float64, Int32, Int64
from models.data.types import Catalogue
from models.rerankers.greedy import Cosines, Filling, Similarities, VarietyParams, similarities

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
        like = similarities(filling.pool, catalogue)
        residuals = np.ones(len(filling.pool))
        factor = np.zeros((filling.n_places, len(filling.pool)))  # Cholesky rows of the selected items
        products = np.empty_like(factor)
        while True:
            allowed = filling.allowed()
            if unlike > 0:
                new = allowed & (residuals > NOTHING_NEW)
                allowed = new if new.any() else allowed
            n_shown = len(filling.chosen)
            variety = unlike * np.log(np.maximum(residuals, NOTHING_NEW))
            taken = filling.take(filling.gain + variety, allowed)
            if filling.full:
                return filling.order(len(items), k)
            if residuals[taken] > NOTHING_NEW and unlike > 0:
                shown_rows = factor[:n_shown]
                np.multiply(shown_rows, shown_rows[:, taken, None], out=products[:n_shown])
                row = (_kernel(like, taken) - np.add.reduce(products[:n_shown], axis=0)) / np.sqrt(residuals[taken])
                factor[n_shown] = row
                np.maximum(residuals - row**2, 0.0, out=residuals)


def _kernel(like: Similarities, index: int) -> Float64:
    """(n_pool,) row of S."""
    row = like.to(index)
    if isinstance(like, Cosines):
        row = (1.0 + row) / 2.0
    row[index] = 1.0  # also for items without text or tags
    return row
