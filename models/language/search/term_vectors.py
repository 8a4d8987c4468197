"""Term vectors: the tag or category that a word is nearest to, by the parts of words that both share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.language.encoders.words import Words

LEAST_COSINE, MARGIN = 0.6, 0.25  # of the nearest term, and over the next one
MOST_TERMS, MOST_WORDS = 5000, 8
SHORTEST = 4  # letters of a word


class TermVectors:
    """`gardening` is near `gardens`, `mistery` near `mystery`; a word that is near nothing or two terms has none."""

    def __init__(self, words: Words, terms: Sequence[str]) -> None:
        self._words, self._terms = words, list(terms[:MOST_TERMS])
        self._vectors = words.encode(self._terms)

    def nearest(self, words: Sequence[str]) -> list[str | None]:
        """The term of each word, as far as there is one; only the first words are looked up."""
        looked_up = list(words[:MOST_WORDS])
        if not looked_up or not self._terms:
            return [None] * len(words)
        cosines = self._words.encode(looked_up) @ self._vectors.T
        found: list[str | None] = []
        for word, row in zip(looked_up, cosines, strict=True):
            order = np.argsort(-row, kind="stable")[:2].tolist()
            best, second = float(row[order[0]]), float(row[order[1]]) if len(order) > 1 else 0.0
            is_near = len(word) >= SHORTEST and best >= LEAST_COSINE and best - second >= MARGIN
            found.append(self._terms[order[0]] if is_near else None)
        return found + [None] * (len(words) - len(looked_up))
