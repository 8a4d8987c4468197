"""DPP: a list is good where its items are good and their vectors span much, all of them together."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.interfaces import Catalogue, Float32, Int32, Int64
from models.rerankers.places import Float64, and_the_rest, common_tags, cosines, most_of_one, unit_interval, within_cap

NOTHING_NEW = 1e-6  # residual of an item below which those shown say all of it (what float32 vectors can tell)


class DppParams(BaseModel):
    """How much accuracy is given for variety."""

    model_config = ConfigDict(extra="forbid")

    relevance: float = Field(default=0.97, ge=0, le=1)
    """Theta: 1 keeps the ranker's order, lower shows more variety at the cost of accuracy."""
    category_share: float = Field(default=1.0, gt=0, le=1)
    """Greatest share of one category among the first `depth` places (rounded up); 1 sets no cap."""
    depth: int = Field(default=10, ge=1)
    """Places that are diversified; the rest follows in the ranker's order."""
    pool: int = Field(default=50, ge=1)
    """Best candidates that may take those places."""


class Dpp:
    """Greedy argmax of θ · Σ relevance + (1 - θ) · log det S over those shown.

    Chen, Zhang, Zhou 2018, arXiv:1709.05135.

    Relevance is 1 for the pool's best and 0 for its last. S is (1 + cosine) / 2 of text vectors, or the share of common
    tags where there are no vectors, and 1 of an item with itself: a positive semidefinite kernel, so that each next
    item adds θ · relevance + (1 - θ) · log(its residual), the part in (0, 1] of it that those shown do not span; the
    residuals are kept by a Cholesky factor that grows by a row an item. An item of which they span everything (a copy)
    comes only after all others that the cap allows. Ties keep the ranker's order.
    """

    Params: ClassVar[type[BaseModel]] = DppParams

    def __init__(self, params: DppParams | None = None) -> None:
        self.params = params or DppParams()

    def order(self, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
        params = self.params
        n_places = min(params.depth, k, len(items))
        if (params.relevance >= 1 and params.category_share >= 1) or n_places < 2:
            return np.arange(min(k, len(items)), dtype=np.int64)
        n_pool = min(max(params.pool, n_places), len(items))
        pool = items[:n_pool]
        gain = params.relevance * unit_interval(scores[:n_pool])
        categories = catalogue.categories[pool]
        most = most_of_one(params.category_share, n_places)
        free = np.ones(n_pool, dtype=np.bool_)
        residuals = np.ones(n_pool)
        factor = np.zeros((n_places, n_pool))  # Cholesky rows of those shown, one a place
        chosen: list[int] = []
        while len(chosen) < n_places:
            allowed = within_cap(free, categories, chosen, most)
            if params.relevance < 1:
                new = allowed & (residuals > NOTHING_NEW)
                allowed = new if new.any() else allowed
            variety = (1 - params.relevance) * np.log(np.maximum(residuals, NOTHING_NEW))
            place = int(np.argmax(np.where(allowed, gain + variety, -np.inf)))
            if residuals[place] > NOTHING_NEW and params.relevance < 1:
                known = factor[: len(chosen)]
                shared = (known * known[:, place, None]).sum(axis=0)
                row = (_kernel(pool, place, catalogue) - shared) / np.sqrt(residuals[place])
                factor[len(chosen)] = row
                residuals = np.maximum(residuals - row**2, 0.0)
            chosen.append(place)
            free[place] = False
        return and_the_rest(chosen, len(items), k)


def _kernel(pool: Int32, place: int, catalogue: Catalogue) -> Float64:
    """(n_pool,) row of S."""
    if catalogue.vectors is None:
        row = common_tags(pool, place, catalogue)
    else:
        row = (1.0 + cosines(pool, place, catalogue.vectors)) / 2.0
    row[place] = 1.0  # also of an item without text or tags
    return row
