"""Types that travel between the parts: frozen dataclasses of numpy arrays, and array aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.arrays import Bool, Float32, Ids, Int32, Int64
from models.data.availability import Availability
from models.data.ragged import Ragged
from models.data.vocabulary import Vocabulary

UNKNOWN_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Targets:
    """What the users of a batch of queries chose later.

    items: vocabulary positions, one row a query, ascending and distinct within it;
    counts: (n_queries,) all targets, also those outside the vocabulary.
    """

    items: Ragged[np.int32]
    counts: Int64


class NotFittedError(RuntimeError):
    """A part was used before `fit` or `load`."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """Positive interactions to learn from, in time order; one entry a row.

    users: (n_rows,) position in `user_ids`; items: (n_rows,) vocabulary position, never -1;
    times: (n_rows,) µs since 1970 UTC; values: (n_rows,) NaN where null; weights: (n_rows,) trust in [0, 1].
    `at` is the cutoff [µs since 1970 UTC]: no row is later, and what a part learns was known then.
    friends: (n_pairs, 2) external ids of a user and of a friend, also of users without a row, or None.
    """

    user_ids: Ids
    users: Int32
    items: Int32
    times: Int64
    values: Float32
    weights: Float32
    at: int
    friends: Ids | None = None

    @property
    def n_users(self) -> int:
        return len(self.user_ids)


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """Rows with a value, in the order in which they are stored.

    user_ids: (n_users,) ascending, shared by all parts of one data set; users: (n_rows,) position in `user_ids`;
    items: (n_rows,) vocabulary position, never -1; values: (n_rows,) finite; times: (n_rows,) µs since 1970 UTC;
    weights: (n_rows,) trust in [0, 1], how much a row counts in learning. A user or an item may have no row in a part.
    """

    user_ids: npt.NDArray[np.str_]
    users: Int32
    items: Int32
    values: Float32
    times: Int64
    weights: Float32

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: npt.NDArray[np.intp]) -> Ratings:
        """The rows at some indices, in the order given; users keep their positions."""
        return Ratings(
            user_ids=self.user_ids,
            users=self.users[chosen],
            items=self.items[chosen],
            values=self.values[chosen],
            times=self.times[chosen],
            weights=self.weights[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The items of one bundle, every array in the order of the vocabulary.

    categories: (n_items,) position in `category_names`, -1 where null; prices: NaN where null;
    created_at: (n_items,) µs, minimum int64 where unknown; offered: when each may be offered, None: from then on;
    vectors: (n_items, size) float32 unit rows of the item text (zero rows where there is no text), or None; further:
    likewise the vectors of other encoders and of what was imported, by name; word_parts: (n_items, n_parts, size) those
    of the encoder `words` for the parts of each text, or None.
    """

    vocabulary: Vocabulary
    titles: list[str | None]
    tags: list[list[str]]
    category_names: list[str]
    categories: Int32
    prices: Float32
    created_at: Int64
    vectors: Float32 | None = None
    offered: Availability | None = None
    further: Mapping[str, Float32] = field(default_factory=dict)
    word_parts: Float32 | None = None

    @property
    def n_items(self) -> int:
        return len(self.vocabulary)

    @property
    def encoded(self) -> dict[str, Float32]:
        """Vectors by encoder, `sentence` those of the text encoder."""
        return {**({} if self.vectors is None else {"sentence": self.vectors}), **self.further}

    @property
    def availability(self) -> Availability:
        """When each item may be offered."""
        return self.offered or Availability.since(self.created_at)

    @property
    def item_categories(self) -> list[str | None]:
        """(n_items,) the name of each item's category."""
        return [self.category_names[category] if category >= 0 else None for category in self.categories.tolist()]


@dataclass(frozen=True, kw_only=True)
class History:
    """The histories of a batch of queries: positive events, oldest first within a query.

    items: vocabulary positions, one row a query; times, weights: (n_events,) of the entries of `items`: µs since 1970
    UTC, and trust or decay weight.
    """

    items: Ragged[np.int32]
    times: Int64
    weights: Float32

    @property
    def n_events(self) -> int:
        """Events of all queries."""
        return len(self.times)

    def part(self, start: int, stop: int) -> History:
        """The histories of queries start..stop-1."""
        first, last = self.items.offsets[start], self.items.offsets[stop]
        return History(
            items=self.items.part(start, stop), times=self.times[first:last], weights=self.weights[first:last]
        )

    def take(self, events: Ragged[np.int64]) -> History:
        """Histories made of the events at some positions, one row a query."""
        return History(
            items=self.items.take(events), times=self.times[events.values], weights=self.weights[events.values]
        )


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Who asks, when, and what was known of them then.

    user_ids: (n_queries,) external ids; at: (n_queries,) µs since 1970 UTC; history: see `History`;
    excluded: vocabulary positions that must not be offered to the query, one row a query, ascending within it;
    unavailable: (n_items,) items that must not be offered to any query of the batch, or None.
    """

    user_ids: npt.NDArray[np.str_]
    at: Int64
    history: History
    excluded: Ragged[np.int32]
    unavailable: Bool | None = None

    def __len__(self) -> int:
        return len(self.user_ids)

    def part(self, start: int, stop: int) -> Queries:
        """Queries start..stop-1 as a batch of their own."""
        return Queries(
            user_ids=self.user_ids[start:stop],
            at=self.at[start:stop],
            history=self.history.part(start, stop),
            excluded=self.excluded.part(start, stop),
            unavailable=self.unavailable,
        )


@dataclass(frozen=True)
class Hits:
    """A retriever's answer, best first: items (n_queries, k) int32, -1 pads at the end; scores likewise, float32."""

    items: Int32
    scores: Float32


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """All proposals, one row a (query, item), ascending by query; one column a retriever.

    query, item: (n_rows,); scores: (n_rows, n_retrievers) NaN where that retriever did not offer the item;
    ranks: (n_rows, n_retrievers) from 1, 0 where not offered; retrievers: names of the columns.
    """

    retrievers: tuple[str, ...]
    query: Int32
    item: Int32
    scores: Float32
    ranks: Int32

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True, kw_only=True)
class Slate:
    """What is shown: items (n_queries, k) int32, -1 pads; scores (n_queries, k) float32;
    sources (n_queries, k, n_retrievers) float32: each retriever's contribution (NaN: did not offer the item);
    propensities (n_queries, k) float32 in (0, 1]: chance of each place's item given the places above it, or None where
    nothing is drawn."""

    items: Int32
    scores: Float32
    sources: Float32
    retrievers: tuple[str, ...]
    propensities: Float32 | None = None
