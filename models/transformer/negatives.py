"""Classes: what a target competes with in training, all items or in large catalogues a draw by popularity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from features.arrays import Float32, Int64
from models.transformer.batches import Histories


@dataclass(frozen=True)
class Classes:
    """drawn: draws a batch, None: all items compete; shares: (n_items,) cumulated popularity, up to 1;
    offsets: (n_items,) -log(chance to be among the draws)."""

    drawn: int | None
    shares: Float32
    offsets: Float32

    @classmethod
    def of(cls, histories: Histories, n_items: int, most: int, negatives: int) -> Self:
        """All of at most `most` items, else `negatives` draws in proportion to the acts on them."""
        counts = np.bincount(histories.items, minlength=n_items) / max(len(histories), 1)
        chances = -np.expm1(negatives * np.log1p(-np.minimum(counts, 1 - 1e-9)))
        offsets = -np.log(np.maximum(chances, 1e-12))
        return cls(None if n_items <= most else negatives, np.cumsum(counts), offsets.astype(np.float32))

    def draw(self, items: Int64, rng: np.random.Generator) -> tuple[Int64, Float32]:
        """The distinct ones of `items` and of what was drawn, ascending, and each one's offset.

        Of `items`, those that were not drawn as well compete with no target but themselves (-inf).
        """
        drawn = np.searchsorted(self.shares, rng.random(self.drawn), side="right")
        drawn = np.unique(np.minimum(drawn, len(self.shares) - 1))
        chosen = np.union1d(items, drawn)
        return chosen, np.where(np.isin(chosen, drawn), self.offsets[chosen], np.float32(-np.inf))
