"""Item search: how well each item fits a text, by its words and by the vectors of the encoder of words together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32
from models.language.encoders.words import Words
from models.language.search.text_index import TextIndex

LEAST_COSINE = 0.3  # below it the vectors of two texts are alike by chance
VECTOR_SHARE = 0.5  # of the best cosine beside the best score by words


@dataclass(frozen=True, kw_only=True)
class Fit:
    """by_words: (n_items,) BM25, 0 where no word is shared; by_vectors: (n_items,) cosine, 0 below LEAST_COSINE;
    scores: (n_items,) both together in [0, 1.5], 0 where neither fits."""

    by_words: Float32
    by_vectors: Float32
    scores: Float32


class ItemSearch:
    """The index of one catalogue beside its vectors of words; not changed after it was made.

    words, vectors: the bundle's encoder of words, and (n_encoded, size) its unit rows of the first items, in order;
    None: the index alone answers.
    """

    def __init__(self, index: TextIndex, words: Words | None = None, vectors: Float32 | None = None) -> None:
        fitting = words is not None and vectors is not None and vectors.shape[1] == words.size
        self.index = index
        self._words, self._vectors = (words, vectors) if fitting else (None, None)

    def fit(self, text: str) -> Fit:
        """How well each item fits a text."""
        by_words, by_vectors = self.index.scores(text), self._cosines(text)
        best = float(by_words.max(initial=0.0))
        scores = by_vectors * np.float32(VECTOR_SHARE)
        if best > 0:
            scores = scores + by_words / np.float32(best)
        return Fit(by_words=by_words, by_vectors=by_vectors, scores=scores.astype(np.float32))

    def _cosines(self, text: str) -> Float32:
        cosines = np.zeros(self.index.n_items, dtype=np.float32)
        if self._words is not None and self._vectors is not None:
            vector = self._words.encode([text])[0]
            raw = self._vectors.astype(np.float32, copy=False) @ vector
            cosines[: len(raw)] = np.where(raw >= LEAST_COSINE, raw, 0.0)[: len(cosines)]
        return cosines
