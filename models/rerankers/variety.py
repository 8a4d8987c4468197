"""Variety: what rerankers share that fill the first places one by one, for relevance and against sameness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.interfaces import Bool, Catalogue, Float32, Int32, Int64
from models.rerankers.places import Float64, and_the_rest, most_of_one, unit_interval, within_cap


class VarietyParams(BaseModel):
    """How much accuracy is given for variety."""

    model_config = ConfigDict(extra="forbid")

    relevance: float = Field(default=0.97, ge=0, le=1)
    """Weight of relevance: 1 keeps the ranker's order, lower shows more variety at the cost of accuracy."""
    category_share: float = Field(default=1.0, gt=0, le=1)
    """Greatest share of one category among the first `depth` places (rounded up); 1 sets no cap."""
    depth: int = Field(default=10, ge=1)
    """Places that are diversified; the rest follows in the ranker's order."""
    pool: int = Field(default=50, ge=1)
    """Best candidates that may take those places."""


@dataclass
class Filling:
    """A list in the making: `n_places` places to be taken by items of the pool.

    pool: (n_pool,) positions, best first; gain: (n_pool,) relevance (1 for the pool's best, 0 for its last) times its
    weight; categories: (n_pool,); free: (n_pool,) who is not shown yet; most: places that one category may take.
    """

    pool: Int32
    gain: Float64
    categories: Int32
    free: Bool
    most: int
    n_places: int
    chosen: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, params: VarietyParams, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Filling | None:
        """The list before its first place is taken; None where the ranker's order is to stay."""
        n_places = min(params.depth, k, len(items))
        if (params.relevance >= 1 and params.category_share >= 1) or n_places < 2:
            return None
        n_pool = min(max(params.pool, n_places), len(items))
        pool = items[:n_pool]
        return cls(
            pool,
            params.relevance * unit_interval(scores[:n_pool]),
            catalogue.categories[pool],
            np.ones(n_pool, dtype=np.bool_),
            most_of_one(params.category_share, n_places),
            n_places,
        )

    @property
    def full(self) -> bool:
        """Whether every place is taken."""
        return len(self.chosen) >= self.n_places

    def allowed(self) -> Bool:
        """(n_pool,) who may come next."""
        return within_cap(self.free, self.categories, self.chosen, self.most)

    def take(self, values: Float64, allowed: Bool) -> int:
        """The next place goes to the greatest value of those allowed, ties to the better candidate; who it is."""
        place = int(np.argmax(np.where(allowed, values, -np.inf)))
        self.chosen.append(place)
        self.free[place] = False
        return place

    def order(self, n_items: int, k: int) -> Int64:
        """The first k: those chosen, then all others as they came."""
        return and_the_rest(self.chosen, n_items, k)
