"""Level guard: how well liked a text says that its item is, and how far that may go beyond what its parts say.

The level of a new item is its mean score over users. Words that are appended to a text raise the level of the whole
text, but that of one part of it only: an item's level is cut down to what the lower parts of its text say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Int64
from models.retrieval.text_to_collaborative.closed_form import solved, text_factor

KAPPA = 0.5  # noise of the parts' side
LEAST = 30  # items that the parts' levels are fitted to the texts' on
QUANTILE = 0.25  # of the levels of an item's parts


@dataclass(frozen=True)
class LevelGuard:
    """slopes: (n_taught,) the level of a part is their product with the squared cosines between it and taught items;
    offset, scale: of the level that the parts of a text let expect of the text."""

    slopes: Float32
    offset: float
    scale: float

    @classmethod
    def fit(cls, taught: Float32, levels: Float32, parts: Float32, whole: Float32) -> LevelGuard:
        """taught: (n_taught, size) vectors of words, levels: (n_taught,); parts: (n, n_parts, size) of other items and
        whole: (n,) their levels."""
        squares = np.square(np.maximum(taught @ taught.T, 0))
        slopes = solved(text_factor(squares, KAPPA), levels)
        of_parts = _lower(slopes, taught, parts)
        spread = float(of_parts.std())
        scale = float(np.mean((of_parts - of_parts.mean()) * (whole - whole.mean()))) / spread**2 if spread else 0.0
        return cls(slopes, float(whole.mean() - scale * of_parts.mean()), scale)

    def excess(self, taught: Float32, parts: Float32, whole: Float32, n_users: Int64) -> Float32:
        """(n,) by how much an item's level is beyond that; less of it where people have chosen the item."""
        expected = np.float32(self.scale) * _lower(self.slopes, taught, parts) + np.float32(self.offset)
        beyond = np.maximum(whole - expected, 0) / (1 + n_users)
        return beyond.astype(np.float32)


def _lower(slopes: Float32, taught: Float32, parts: Float32) -> Float32:
    """(n,) a low quantile of the levels of the parts of each text."""
    n, n_parts, size = parts.shape
    cosines = parts.astype(np.float32).reshape(n * n_parts, size) @ taught.T
    levels = (np.square(np.maximum(cosines, 0)) @ slopes).reshape(n, n_parts)
    lower: Float32 = np.quantile(levels, QUANTILE, axis=1).astype(np.float32) if n else np.zeros(0, dtype=np.float32)
    return lower
