"""Greedy selection shared by rerankers: scaled relevance, item similarity, category caps and the rest of the list."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Bool, Float32, Float64, Int32, Int64
from models.data.types import Catalogue


class VarietyParams(BaseModel):
    """Parameters of the trade-off between accuracy and diversity."""

    model_config = ConfigDict(extra="forbid")

    relevance: float = Field(default=0.97, ge=0, le=1)
    """Weight of relevance: 1 keeps the ranker's order, lower increases diversity at the cost of accuracy."""
    category_share: float = Field(default=1.0, gt=0, le=1)
    """Maximum share of one category among the first `depth` positions (rounded up); 1: no cap."""
    depth: int = Field(default=10, ge=1)
    """Positions that are diversified; the rest keeps the ranker's order."""
    pool: int = Field(default=50, ge=1)
    """Number of best candidates considered for these positions."""


@dataclass(kw_only=True)
class Filling:
    """A partially filled list: `n_places` positions, filled with items of the pool.

    pool: (n_pool,) positions, best first; gain: (n_pool,) relevance (1 for the pool's best, 0 for its last) times its
    weight; categories: (n_pool,); free: (n_pool,) not selected yet; most: maximum positions per category.
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
        """An empty list; None if the ranker's order stays unchanged."""
        n_places = min(params.depth, k, len(items))
        if (params.relevance >= 1 and params.category_share >= 1) or n_places < 2:
            return None
        n_pool = min(max(params.pool, n_places), len(items))
        pool = items[:n_pool]
        return cls(
            pool=pool,
            gain=params.relevance * unit_interval(scores[:n_pool]),
            categories=catalogue.categories[pool],
            free=np.ones(n_pool, dtype=np.bool_),
            most=most_of_one(params.category_share, n_places),
            n_places=n_places,
        )

    @property
    def full(self) -> bool:
        """Whether every position is filled."""
        return len(self.chosen) >= self.n_places

    def allowed(self) -> Bool:
        """(n_pool,) mask of items that may be selected next."""
        return within_cap(self.free, self.categories, self.chosen, self.most)

    def take(self, values: Float64, allowed: Bool) -> int:
        """Selects the allowed item with the greatest value (ties: the better candidate) and returns its index."""
        index = int(np.argmax(np.where(allowed, values, -np.inf)))
        self.chosen.append(index)
        self.free[index] = False
        return index

    def order(self, n_items: int, k: int) -> Int64:
        """The first k: the selected items, then all others in their original order."""
        return and_the_rest(self.chosen, n_items, k)


def unit_interval(scores: Float32) -> Float64:
    """(n,) in [0, 1], 1 for the best and 0 for the last; all 1 if they are equal."""
    if not len(scores):
        return np.zeros(0)
    low, high = float(scores.min()), float(scores.max())
    return (scores.astype(np.float64) - low) / (high - low) if high > low else np.ones(len(scores))


def most_of_one(share: float, n_places: int) -> int:
    """Maximum positions of one category, rounded up."""
    return int(np.ceil(share * n_places))


def within_cap(free: Bool, categories: Int32, chosen: list[int], most: int) -> Bool:
    """(n_pool,) mask of items that may be selected next: free, and under the cap (always, without a category).

    If no item is left, the cap is ignored and all free items are allowed.
    """
    if not chosen or most >= len(categories):
        return free
    shown = categories[chosen]
    full = [category for category in np.unique(shown) if category >= 0 and (shown == category).sum() >= most]
    allowed: Bool = free & ~np.isin(categories, full)
    return allowed if allowed.any() else free


def cosines(pool: Int32, index: int, vectors: Float32) -> Float64:
    """(n_pool,) cosine of each item's text vector to that of the item at `index`, in [-1, 1]."""
    similarities: Float64 = np.clip((vectors[pool] @ vectors[pool[index]]).astype(np.float64), -1.0, 1.0)
    return similarities


def common_tags(pool: Int32, index: int, catalogue: Catalogue) -> Float64:
    """(n_pool,) Jaccard similarity of each item's tags to those of the item at `index`."""
    tags = [set(catalogue.tags[item]) for item in pool]
    given = tags[index]
    return np.array([len(given & other) / len(given | other) if given or other else 0.0 for other in tags])


def and_the_rest(chosen: list[int], n_items: int, k: int) -> Int64:
    """The first k of: the selected items, then all others in their original order."""
    taken = np.zeros(n_items, dtype=np.bool_)
    taken[chosen] = True
    return np.concatenate([np.array(chosen, dtype=np.int64), np.flatnonzero(~taken)])[:k]
