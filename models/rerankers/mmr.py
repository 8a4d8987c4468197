"""MMR: each next item is good for the query and unlike those already shown; at most so many of one category."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from models.interfaces import Catalogue, Float32, Int32, Int64


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
        gain = params.relevance * _unit_interval(scores[:n_pool])
        nearest = np.zeros(n_pool, dtype=np.float64)
        categories = catalogue.categories[pool]
        most = int(np.ceil(params.category_share * n_places))
        free = np.ones(n_pool, dtype=np.bool_)
        chosen: list[int] = []
        while len(chosen) < n_places:
            allowed = free & _below_cap(categories, chosen, most)
            if not allowed.any():
                allowed = free
            value = np.where(allowed, gain - (1 - params.relevance) * nearest, -np.inf)
            place = int(np.argmax(value))
            chosen.append(place)
            free[place] = False
            if params.relevance < 1:
                nearest = np.maximum(nearest, _similarities(pool, place, catalogue))
        taken = np.zeros(len(items), dtype=np.bool_)
        taken[chosen] = True
        rest = np.flatnonzero(~taken)
        return np.concatenate([np.array(chosen, dtype=np.int64), rest])[:k]


def _unit_interval(scores: Float32) -> npt.NDArray[np.float64]:
    low, high = float(scores.min()), float(scores.max())
    return (scores.astype(np.float64) - low) / (high - low) if high > low else np.ones(len(scores))


def _below_cap(categories: Int32, chosen: list[int], most: int) -> npt.NDArray[np.bool_]:
    """Whose category has room; items without one always."""
    if not chosen or most >= len(categories):
        return np.ones(len(categories), dtype=np.bool_)
    shown = categories[chosen]
    full = [category for category in np.unique(shown) if category >= 0 and (shown == category).sum() >= most]
    return ~np.isin(categories, full)


def _similarities(pool: Int32, place: int, catalogue: Catalogue) -> npt.NDArray[np.float64]:
    """(n_pool,) how alike each item is to one of them, in [0, 1]."""
    if catalogue.vectors is not None:
        cosines = catalogue.vectors[pool] @ catalogue.vectors[pool[place]]
        clipped: npt.NDArray[np.float64] = np.clip(cosines.astype(np.float64), 0.0, 1.0)
        return clipped
    own = set(catalogue.tags[pool[place]])
    tags = [set(catalogue.tags[item]) for item in pool]
    return np.array([len(own & other) / len(own | other) if own or other else 0.0 for other in tags])
