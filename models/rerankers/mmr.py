"""MMR: each next item is good for the query and unlike those already shown; at most so many of one category."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.interfaces import Catalogue, Float32, Int32, Int64
from models.rerankers.places import Float64, and_the_rest, common_tags, cosines, most_of_one, unit_interval, within_cap


class MmrParams(BaseModel):
    """How much accuracy is given for variety."""

    model_config = ConfigDict(extra="forbid")

    relevance: float = Field(default=0.97, ge=0, le=1)
    """Lambda: 1 keeps the ranker's order, lower shows more variety at the cost of accuracy."""
    category_share: float = Field(default=1.0, gt=0, le=1)
    """Greatest share of one category among the first `depth` places (rounded up); 1 sets no cap."""
    depth: int = Field(default=10, ge=1)
    """Places that are diversified; the rest follows in the ranker's order."""
    pool: int = Field(default=50, ge=1)
    """Best candidates that may take those places."""


class Mmr:
    """argmax λ · relevance - (1 - λ) · greatest similarity to those shown (Carbonell 1998, doi:10.1145/290941.291025).

    Relevance is 1 for the pool's best and 0 for its last; similarity is the cosine of text vectors, at least 0, or the
    share of common tags where there are no vectors. Ties keep the ranker's order.
    """

    Params: ClassVar[type[BaseModel]] = MmrParams

    def __init__(self, params: MmrParams | None = None) -> None:
        self.params = params or MmrParams()

    def order(self, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
        params = self.params
        n_places = min(params.depth, k, len(items))
        if (params.relevance >= 1 and params.category_share >= 1) or n_places < 2:
            return np.arange(min(k, len(items)), dtype=np.int64)
        n_pool = min(max(params.pool, n_places), len(items))
        pool = items[:n_pool]
        gain = params.relevance * unit_interval(scores[:n_pool])
        nearest = np.zeros(n_pool, dtype=np.float64)
        categories = catalogue.categories[pool]
        most = most_of_one(params.category_share, n_places)
        free = np.ones(n_pool, dtype=np.bool_)
        chosen: list[int] = []
        while len(chosen) < n_places:
            allowed = within_cap(free, categories, chosen, most)
            value = np.where(allowed, gain - (1 - params.relevance) * nearest, -np.inf)
            place = int(np.argmax(value))
            chosen.append(place)
            free[place] = False
            if params.relevance < 1:
                nearest = np.maximum(nearest, _similarities(pool, place, catalogue))
        return and_the_rest(chosen, len(items), k)


def _similarities(pool: Int32, place: int, catalogue: Catalogue) -> Float64:
    """(n_pool,) how alike each item is to one of them, in [0, 1]."""
    if catalogue.vectors is None:
        return common_tags(pool, place, catalogue)
    return np.maximum(cosines(pool, place, catalogue.vectors), 0.0)
