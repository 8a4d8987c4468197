"""Text index: which items say a word, and how much that tells, by BM25 over the fields of an item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from features.arrays import Bool, Float32, Int32, Int64
from models.language.encoders.words import words_of
from models.language.search.stems import english_stem

SATURATION, LENGTH_SHARE = 1.2, 0.75  # k1 and b of BM25
MOST_WORDS = 64  # words of a query that are looked up


def index_terms(text: str) -> list[str]:
    """The words of a text as the index knows them: lower-case stems, in order."""
    return [english_stem(word) for word in words_of(text)]


@dataclass(frozen=True, kw_only=True)
class ItemTexts:
    """What an item says, the fields by weight: a word of the title counts as three of the description."""

    title: str = ""
    labels: Sequence[str] = ()
    description: str = ""

    def counts(self) -> Counter[str]:
        """Term → how often, weighted."""
        counted: Counter[str] = Counter()
        for weight, texts in ((3, [self.title]), (2, self.labels), (1, [self.description])):
            for text in texts:
                for term in index_terms(text):
                    counted[term] += weight
        return counted


@dataclass(frozen=True)
class _Postings:
    """Rows of the items that have a term, and the term's weight in each."""

    items: Int32
    weights: Float32


class TextIndex:
    """BM25 weights of every term in every item (Robertson and Zaragoza 2009, doi:10.1561/1500000019).

    Items that join later are weighted by the rarity of words and the mean length of the first ones.
    """

    def __init__(self, postings: Mapping[str, _Postings], n_items: int, mean_length: float, counted: int) -> None:
        """counted: number of items that rarity and mean length were counted on."""
        self._postings, self.n_items = postings, n_items
        self._mean_length, self._counted = mean_length, counted

    @classmethod
    def of(cls, items: Sequence[ItemTexts]) -> Self:
        """The index of a whole catalogue, in the order of its vocabulary."""
        counts = [item.counts() for item in items]
        lengths = np.array([sum(row.values()) for row in counts], dtype=np.float64)
        mean = float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 1.0
        empty = cls({}, 0, mean, len(items))
        return cls(
            empty._weighted(counts, Counter(term for row in counts for term in row)), len(items), mean, len(items)
        )

    def with_items(self, items: Sequence[ItemTexts]) -> TextIndex:
        """The same and some items after the last one."""
        if not items:
            return self
        rows = [item.counts() for item in items]
        known = {term: len(one.items) for term, one in self._postings.items()}
        added = self._weighted(rows, {term: max(known.get(term, 0), 1) for row in rows for term in row})
        merged = dict(self._postings)
        for term, one in added.items():
            shifted = (one.items + self.n_items).astype(np.int32)
            before = merged.get(term)
            merged[term] = (
                _Postings(shifted, one.weights)
                if before is None
                else _Postings(np.concatenate([before.items, shifted]), np.concatenate([before.weights, one.weights]))
            )
        return TextIndex(merged, self.n_items + len(items), self._mean_length, self._counted)

    def scores(self, text: str) -> Float32:
        """(n_items,) of a query; 0 where an item has none of its words."""
        scores = np.zeros(self.n_items, dtype=np.float32)
        for term in dict.fromkeys(index_terms(text)[:MOST_WORDS]):
            one = self._postings.get(term)
            if one is not None:
                scores[one.items] += one.weights
        return scores

    def has(self, word: str) -> bool:
        """Whether every part of a word or phrase stands in some item."""
        terms = index_terms(word)
        return bool(terms) and all(term in self._postings for term in terms)

    def mentions(self, phrase: str) -> Bool:
        """(n_items,) which items have every word of a phrase, in whatever field and order."""
        terms = index_terms(phrase)
        fitting = np.full(self.n_items, bool(terms), dtype=np.bool_)
        for term in terms:
            having = np.zeros(self.n_items, dtype=np.bool_)
            one = self._postings.get(term)
            if one is not None:
                having[one.items] = True
            fitting &= having
        return fitting

    def _weighted(self, rows: Sequence[Counter[str]], n_having: Mapping[str, int]) -> dict[str, _Postings]:
        places: dict[str, list[int]] = {}
        counts: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            for term, count in row.items():
                places.setdefault(term, []).append(place)
                counts.setdefault(term, []).append(count)
        lengths = np.array([sum(row.values()) for row in rows], dtype=np.float64)
        factors = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / self._mean_length)
        postings = {}
        for term, items in places.items():
            having = n_having[term]
            rarity = np.log1p((self._counted - having + 0.5) / (having + 0.5)) if having <= self._counted else 0.0
            often = np.array(counts[term], dtype=np.float64)
            weights = rarity * often * (SATURATION + 1) / (often + factors[items])
            postings[term] = _Postings(np.array(items, dtype=np.int32), weights.astype(np.float32))
        return postings


def best_first(scores: Float32, allowed: Bool, n: int) -> Int64:
    """Positions of the n best allowed items with a score above 0, ties by ascending position."""
    fitting = np.flatnonzero(allowed & (scores > 0))
    best: Int64 = fitting[np.argsort(-scores[fitting], kind="stable")[:n]].astype(np.int64)
    return best


def labels_of(tags: Iterable[str], category: str | None, keywords: Iterable[str]) -> list[str]:
    """Tags, category and keywords of an item, each once."""
    return list(dict.fromkeys([*tags, *([category] if category else []), *keywords]))
