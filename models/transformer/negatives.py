"""Negatives: the classes of the training softmax, all items or, in large catalogues, a sample by popularity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from features.arrays import Float32, Int64
from models.transformer.batches import Histories


@dataclass(frozen=True)
class Classes:
    """drawn: number of samples per batch, None: all items; shares: (n_items,) cumulative popularity, up to 1;
    offsets: (n_items,) -log(probability of being sampled)."""

    drawn: int | None
    shares: Float32
    offsets: Float32

    @classmethod
    def of(cls, histories: Histories, n_items: int, most: int, negatives: int) -> Self:
        """Uses all items up to `most`, else `negatives` samples in proportion to the number of events."""
        counts = np.bincount(histories.items, minlength=n_items) / max(len(histories), 1)
        chances = -np.expm1(negatives * np.log1p(-np.minimum(counts, 1 - 1e-9)))
        offsets = -np.log(np.maximum(chances, 1e-12))
        return cls(None if n_items <= most else negatives, np.cumsum(counts), offsets.astype(np.float32))

    def draw(self, items: Int64, rng: np.random.Generator) -> tuple[Int64, Float32]:
        """The distinct items of `items` and of the sample, ascending, with their offsets.

        Members of `items` that were not sampled have offset -inf: they are no negatives of other targets.
        """
        drawn = np.searchsorted(self.shares, rng.random(self.drawn), side="right")
        drawn = np.unique(np.minimum(drawn, len(self.shares) - 1))
        chosen = np.union1d(items, drawn)
        return chosen, np.where(np.isin(chosen, drawn), self.offsets[chosen], np.float32(-np.inf))
