"""Released part: a retriever that knows only the items of its bundle, in a vocabulary that has grown after them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel

from features.arrays import Bool, Float32, Int32
from models.data.ragged import Ragged
from models.data.types import Catalogue, Hits, Log, Queries
from models.interfaces import Explains, HasPeriod, HasReason, Retriever
from models.online.explaining.falls import FallsOf
from models.online.explaining.profiles_without import ProfilesWithout
from models.online.retrieval import Answer, Profiles, Scratch, prepared
from models.single_query.one_query import OneHits, OneQuery
from models.single_query.query_plans import OwnHits, QueryPlan


class ReleasedPart:
    """Answers as the part does, without the newer items: it neither offers them nor sees them in a history.

    Optional powers of the part (reasons, explanations, a single-query form) are its own.
    """

    Params: ClassVar[type[BaseModel]] = BaseModel

    def __init__(
        self, part: Retriever, n_items: int, answer: Answer | None = None, falls: tuple[FallsOf, int] | None = None
    ) -> None:
        """n_items: of the bundle; answer, falls: the part's prepared forms, where there are some already."""
        self.part, self.n_items = part, n_items
        self.answer = answer or prepared(part)
        self.released_falls = None if falls is None else (_of_released(falls[0], n_items), falls[1])
        self._frames = threading.local()
        if isinstance(part, HasReason):
            self.reason = part.reason
        if isinstance(part, HasPeriod):
            self.period_days = part.period_days
        if isinstance(part, Explains):
            self.scores_of = self._scores_of

    @property
    def params(self) -> Any:
        return self.part.params

    def retrieve(self, queries: Queries, k: int) -> Hits:
        return self.part.retrieve(self._of_released(queries), k)

    def query_plan(self) -> QueryPlan:
        return OwnHits(retrieve=self._retrieve_one)

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        raise TypeError("a part of a grown vocabulary is not fitted; fit the part itself")

    def save(self, folder: Path) -> None:
        self.part.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise TypeError("a part of a grown vocabulary is not loaded; load the part itself")

    def _scores_of(self, queries: Queries, items: Int32) -> Float32:
        """-inf for the newer items."""
        assert isinstance(self.part, Explains)
        scores = np.full((len(queries), len(items)), -np.inf, dtype=np.float32)
        released = items < self.n_items
        scores[:, released] = self.part.scores_of(self._of_released(queries), items[released])
        return scores

    def _retrieve_one(self, query: OneQuery, k: int) -> OneHits:
        frames = self._frames
        if not hasattr(frames, "scratch"):
            frames.scratch = Scratch()
        return self.answer(Profiles(released_query(query, self.n_items)), k, frames.scratch)

    def _of_released(self, queries: Queries) -> Queries:
        history = queries.history
        if (history.items.values >= self.n_items).any():
            kept = np.flatnonzero(history.items.values < self.n_items)
            history = history.take(Ragged.grouped(history.items.owners[kept], len(queries), kept))
        excluded, unavailable = queries.excluded, queries.unavailable
        if (excluded.values >= self.n_items).any():
            kept = np.flatnonzero(excluded.values < self.n_items)
            excluded = Ragged.grouped(excluded.owners[kept], len(queries), excluded.values[kept])
        if unavailable is not None:
            unavailable = _part_of(unavailable, self.n_items)
        return replace(queries, history=history, excluded=excluded, unavailable=unavailable)


def _of_released(falls: FallsOf, n_items: int) -> FallsOf:
    """Falls of scores of the bundle's items; what is newer in a history does nothing."""

    def falls_of(profiles: ProfilesWithout, left_out: Sequence[Int32], items: Int32) -> Float32:
        query = profiles.query
        if query.n_events and query.distinct[-1] >= n_items:
            profiles = ProfilesWithout(released_query(query, n_items))
            left_out = [leave[leave < n_items] for leave in left_out]
        return falls(profiles, left_out, items)

    return falls_of


def released_query(query: OneQuery, n_items: int) -> OneQuery:
    """The query as one of the first n_items of the vocabulary only."""
    blocked = _part_of(query.blocked, n_items)
    if not query.n_events or query.distinct[-1] < n_items:
        return replace(query, blocked=blocked)
    kept = query.items < n_items
    return OneQuery.of_events(
        query.user_id, query.at, query.items[kept], query.times[kept], blocked, weights=query.weights[kept]
    )


def _part_of(mask: Bool, n_items: int) -> Bool:
    """The mask of the first items, without a copy."""
    return mask[:n_items]
