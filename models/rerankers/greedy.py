"""Greedy selection shared by rerankers: scaled relevance, item similarity, category caps and the rest of the list."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Bool, Float32, Float64, Int32, Int64
from models.data.types import Catalogue

LEAST, GREATEST = np.float32(-1.0), np.float32(1.0)  # of a cosine, whatever the rounding


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
    weight; categories: (n_pool,); free: (n_pool,) not selected yet; under_cap: (n_pool,) whose category may have
    another position, None while every one may; most: maximum positions per category.
    """

    pool: Int32
    gain: Float64
    categories: Int32
    free: Bool
    most: int
    n_places: int
    under_cap: Bool | None = None
    chosen: list[int] = field(default_factory=list)
    n_shown: dict[int, int] = field(default_factory=dict)

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
        """(n_pool,) mask of items that may be selected next: free, and under the cap (always, without a category).

        If no item is left, the cap is ignored and all free items are allowed.
        """
        if self.under_cap is None:
            return self.free
        allowed: Bool = self.free & self.under_cap
        return allowed if allowed.any() else self.free

    def take(self, values: Float64, allowed: Bool) -> int:
        """Selects the allowed item with the greatest value (ties: the better candidate) and returns its index."""
        index = int(np.where(allowed, values, -np.inf).argmax())
        self.chosen.append(index)
        self.free[index] = False
        if self.most < self.n_places:
            self._count(int(self.categories[index]))
        return index

    def order(self, n_items: int, k: int) -> Int64:
        """The first k: the selected items, then all others in their original order."""
        return and_the_rest(self.chosen, n_items, k)

    def _count(self, category: int) -> None:
        """One more position of a category; at the cap, its items are ruled out."""
        self.n_shown[category] = self.n_shown.get(category, 0) + 1
        if category >= 0 and self.n_shown[category] == self.most:
            others = self.categories != category
            self.under_cap = others if self.under_cap is None else self.under_cap & others


class Similarities(Protocol):
    """How alike the items of a pool are."""

    def to(self, index: int) -> Float64:
        """(n_pool,) of each item to the one at `index`."""


def similarities(pool: Int32, catalogue: Catalogue) -> Similarities:
    """Cosines of text vectors, in [-1, 1]; the share of common tags, in [0, 1], where there are no vectors."""
    return CommonTags(pool, catalogue) if catalogue.vectors is None else Cosines(catalogue.vectors[pool])


class Cosines:
    """Of unit vectors."""

    def __init__(self, vectors: Float32) -> None:
        """vectors: (n_pool, size), gathered once."""
        self._vectors = vectors
        self._products = np.empty(len(vectors), dtype=np.float32)

    def to(self, index: int) -> Float64:
        products = np.dot(self._vectors, self._vectors[index], out=self._products)
        np.minimum(np.maximum(products, LEAST, out=products), GREATEST, out=products)
        return products.astype(np.float64)


class CommonTags:
    """Jaccard similarity of tags; 0 where neither item has any."""

    def __init__(self, pool: Int32, catalogue: Catalogue) -> None:
        self._tags = [set(catalogue.tags[item]) for item in pool.tolist()]

    def to(self, index: int) -> Float64:
        given = self._tags[index]
        return np.array(
            [len(given & other) / len(given | other) if given or other else 0.0 for other in self._tags],
            dtype=np.float64,
        )


def unit_interval(scores: Float32) -> Float64:
    """(n,) in [0, 1], 1 for the best and 0 for the last; all 1 if they are equal."""
    if not len(scores):
        return np.zeros(0)
    low, high = float(scores.min()), float(scores.max())
    return (scores.astype(np.float64) - low) / (high - low) if high > low else np.ones(len(scores))


def most_of_one(share: float, n_places: int) -> int:
    """Maximum positions of one category, rounded up."""
    return math.ceil(share * n_places)


def and_the_rest(chosen: list[int], n_items: int, k: int) -> Int64:
    """The first k of: the selected items, then all others in their original order."""
    first = np.array(chosen[:k], dtype=np.int64)
    if len(chosen) >= k:
        return first
    taken = np.zeros(n_items, dtype=np.bool_)
    taken[first] = True
    return np.concatenate([first, np.flatnonzero(~taken)])[:k]
