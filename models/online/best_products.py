"""Best products: the items whose vectors have the greatest scalar products with one, over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from features.arrays import Bool, Float32, Int32
from models.online.screened import ScreenedSearch, is_worth_it
from models.online.topk_kernels import top_of_dense


class Search(Protocol):
    """Of some vectors (n_items, size), of which some are learned."""

    def top(self, vector: Float32, blocked: Bool, items: Int32, scores: Float32) -> int:
        """Fills `items` (k,) and `scores` (k,) with the best that are learned and not blocked; how many there are.

        vector: (size,); blocked: (n_items,).
        """
        ...


MakeSearch = Callable[[str, Float32, Bool], Search]
"""(name of the retriever, vectors, learned) → how they are searched."""


@dataclass(frozen=True)
class ExactSearch:
    """One product with every vector."""

    vectors: Float32
    learned: Bool

    def top(self, vector: Float32, blocked: Bool, items: Int32, scores: Float32) -> int:
        return int(top_of_dense(self.vectors @ vector, self.learned, blocked, items, scores))


def exact(name: str, vectors: Float32, learned: Bool) -> Search:
    """Every retriever is searched exactly."""
    if is_worth_it(vectors):
        return ScreenedSearch.of(vectors, learned)
    return ExactSearch(vectors, learned)
