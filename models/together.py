"""Several recommenders on the same queries: what they have in common is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Int32, Int64
from models.data.types import Hits, Queries, Slate
from models.interfaces import FeatureLookup, Retriever, Scores
from models.recommender import Recommender


class Together:
    """One batch of queries, of a vocabulary that all who are asked know.

    A retriever, lookup or ranker (the same object) of several recommenders is asked once. In memory at once are the
    features of the candidates of all that are asked.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._once: dict[int, Any] = {}

    def recommend(self, recommender: Recommender, k: int) -> Slate:
        """Its lists, as its own `recommend` makes them."""
        retrievers = {name: self._retriever(part) for name, part in recommender.retrievers.items()}
        sharing = replace(
            recommender,
            retrievers=cast("dict[str, Retriever]", retrievers),
            lookup=self._once.setdefault(id(recommender.lookup), _LookedUpOnce(recommender.lookup)),
            ranker=self._once.setdefault(id(recommender.ranker), _ScoredOnce(recommender.ranker)),
        )
        return sharing.recommend(self._queries, k)

    def retrieve(self, retriever: Retriever, k: int) -> Hits:
        """A retriever's hits."""
        return self._retriever(retriever).retrieve(self._queries, k)

    def _retriever(self, part: Retriever) -> _RetrievedOnce:
        once: _RetrievedOnce = self._once.setdefault(id(part), _RetrievedOnce(part))
        return once


def recommend_together(recommenders: Sequence[Recommender], queries: Queries, k: int) -> list[Slate]:
    """Each recommender's lists for the same queries."""
    together = Together(queries)
    return [together.recommend(recommender, k) for recommender in recommenders]


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
