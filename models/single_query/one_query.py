"""One query, prepared for the single-query forms of the parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Float32, Float64, Int32, Int64
from models.data.ragged import Ragged
from models.data.types import History, Queries


@dataclass(frozen=True, kw_only=True, slots=True)
class OneQuery:
    """Who asks, when, and what was known of them: a batch of one without the batch.

    at: µs since 1970 UTC; items, times, weights: (n_events,) the history, oldest first, as in `History`;
    distinct: (n_distinct,) its items, ascending, each once; latest, latest_weights: (n_distinct,) time and weight of
    each one's newest event; blocked: (n_items,) must not be offered, be it excluded or unavailable.
    """

    user_id: str
    at: int
    items: Int32
    times: Int64
    weights: Float64
    distinct: Int32
    latest: Int64
    latest_weights: Float64
    blocked: Bool

    @property
    def n_events(self) -> int:
        """Events of the history."""
        return len(self.items)

    @classmethod
    def of(cls, queries: Queries, n_items: int) -> OneQuery:
        """From a batch of one."""
        items, times = queries.history.items.values, queries.history.times
        blocked = np.zeros(n_items, dtype=np.bool_) if queries.unavailable is None else queries.unavailable.copy()
        blocked[queries.excluded.values] = True
        return cls.of_events(
            str(queries.user_ids[0]),
            int(queries.at[0]),
            items,
            times,
            blocked,
            weights=queries.history.weights.astype(np.float64),
        )

    @classmethod
    def of_events(
        cls,
        user_id: str,
        at: int,
        items: Int32,
        times: Int64,
        blocked: Bool,
        weights: Float64 | None = None,
    ) -> OneQuery:
        """From a history, oldest first; without weights every event counts 1."""
        weights = np.ones(len(items)) if weights is None else weights
        order = np.lexsort((times, items))
        ordered = items[order]
        last = np.ones(len(order), dtype=np.bool_)
        last[:-1] = ordered[1:] != ordered[:-1]
        newest = order[last]
        return cls(
            user_id=user_id,
            at=at,
            items=items,
            times=times,
            weights=weights,
            distinct=items[newest],
            latest=times[newest],
            latest_weights=weights[newest],
            blocked=blocked,
        )

    def batch(self) -> Queries:
        """The same query as a batch of one, for parts without a single-query form."""
        return Queries(
            user_ids=np.array([self.user_id], dtype=np.str_),
            at=np.array([self.at], dtype=np.int64),
            history=History(
                items=Ragged.one_row(self.items), times=self.times, weights=self.weights.astype(np.float32)
            ),
            excluded=Ragged.empty_rows(1, np.int32),
            unavailable=self.blocked,
        )


@dataclass(frozen=True, slots=True)
class OneHits:
    """A retriever's answer to one query, best first: items, scores: (n_hits,), nothing pads."""

    items: Int32
    scores: Float32
