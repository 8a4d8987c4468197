"""Several recommenders on the same queries: what they have in common is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Int32, Int64
from models.data.types import Hits, Queries, Slate
from models.interfaces import FeatureLookup, Retriever, Scores
from models.recommender import Recommender


def recommend_together(recommenders: Sequence[Recommender], queries: Queries, k: int) -> list[Slate]:
    """Each recommender's lists, as its own `recommend` makes them.

    A retriever, lookup or ranker (the same object) of several recommenders is asked once. queries: of the vocabulary
    that all of them know; in memory at once are the features of all their candidates.
    """
    once: dict[int, Any] = {}
    slates = []
    for recommender in recommenders:
        sharing = replace(
            recommender,
            retrievers={
                name: once.setdefault(id(part), _RetrievedOnce(part)) for name, part in recommender.retrievers.items()
            },
            lookup=once.setdefault(id(recommender.lookup), _LookedUpOnce(recommender.lookup)),
            ranker=once.setdefault(id(recommender.ranker), _ScoredOnce(recommender.ranker)),
        )
        slates.append(sharing.recommend(queries, k))
    return slates


class _RetrievedOnce:
    """A retriever whose hits for the one batch of queries are kept, by their number."""

    def __init__(self, part: Retriever) -> None:
        self._part = part
        self._hits: dict[int, Hits] = {}

    def retrieve(self, queries: Queries, k: int) -> Hits:
        if k not in self._hits:
            self._hits[k] = self._part.retrieve(queries, k)
        return self._hits[k]


class _LookedUpOnce:
    """A lookup that keeps the features of the last candidates it was asked for."""

    def __init__(self, lookup: FeatureLookup) -> None:
        self._lookup = lookup
        self._last: tuple[Int32, Int32, Float32] | None = None
        self.names = lookup.names

    def features(self, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        if self._last is None or not (np.array_equal(self._last[0], query) and np.array_equal(self._last[1], item)):
            self._last = query, item, self._lookup.features(user_ids, at, query, item)
        return self._last[2]


class _ScoredOnce:
    """A ranker that keeps the scores of the last features it was asked for."""

    def __init__(self, ranker: Scores) -> None:
        self._ranker = ranker
        self._last: tuple[Float32, Float32] | None = None

    def score(self, features: Float32) -> Float32:
        if self._last is None or not np.array_equal(self._last[0], features, equal_nan=True):
            self._last = features, self._ranker.score(features)
        return self._last[1]
