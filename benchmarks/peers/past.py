"""What peers learn from and are asked with: histories as ragged arrays, in the order in which they happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.arrays import MICROSECONDS_A_DAY

Array = npt.NDArray[Any]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """Choices, oldest first and of one instant in the order of the rows: history h owns offsets[h]:offsets[h + 1].

    offsets: (n + 1,); items: (n_acts,) codes; times: (n_acts,) µs.
    """

    offsets: Int64
    items: Int64
    times: Int64

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> Int64:
        """(n_acts,) whose each act is."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @classmethod
    def of(cls, owners: Int64, items: Int64, times: Int64, n: int) -> Histories:
        """Of acts in any order of their n owners; acts of one owner and instant keep the order given."""
        order = np.lexsort((times, owners))
        return cls(_offsets(owners, n), items[order], times[order])

    def take(self, places: Int64) -> Histories:
        """The histories at some places, in the order given; an empty one for -1."""
        lengths = np.where(places < 0, 0, np.diff(self.offsets)[places] if len(self) else 0)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        starts = np.repeat(np.where(places < 0, 0, self.offsets[places]) - offsets[:-1], lengths)
        acts = starts + np.arange(offsets[-1])
        return Histories(offsets, self.items[acts], self.times[acts])

    def once(self) -> Histories:
        """Each item of a history once, where it stands last."""
        owners = self.owners
        order = np.lexsort((np.arange(len(self.items)), self.items, owners))
        ends = np.ones(len(order), dtype=np.bool_)
        ends[:-1] = (np.diff(owners[order]) != 0) | (np.diff(self.items[order]) != 0)
        acts = np.sort(order[ends])
        return Histories(_offsets(owners[acts], len(self)), self.items[acts], self.times[acts])

    def matrix(self, n_items: int, weights: Array | None = None) -> Any:
        """(n, n_items) CSR float64: the sum of each item's weights (n_acts,), or 1 for an item that is there."""
        acts = self.once() if weights is None else self
        values = np.ones(len(acts.items)) if weights is None else weights
        found = sparse.csr_matrix((values, acts.items, acts.offsets), shape=(len(self), n_items), dtype=np.float64)
        found.sum_duplicates()
        return found


@dataclass(frozen=True)
class Past:
    """What a peer learns from.

    histories: of each user; chosen: (n_users, n_items) CSR float32 of ones, who chose what; ages: of the same pairs in
    the same order, days from the pair's last choice to the last of all (≥ 0).
    """

    histories: Histories
    chosen: Any
    ages: Array

    @classmethod
    def of(cls, histories: Histories, n_items: int) -> Past:
        once = histories.once()
        order = np.lexsort((once.items, once.owners))
        ages = (once.times.max(initial=0) - once.times[order]) / MICROSECONDS_A_DAY
        return cls(histories, histories.matrix(n_items).astype(np.float32), ages)

    @property
    def n_items(self) -> int:
        return int(self.chosen.shape[1])


@dataclass(frozen=True)
class Asked:
    """A batch of queries.

    histories: what is known of each query's user when it is asked; seen: (n_queries, n_items) CSR, what is not to be
    recommended; rows: (n_queries,) which of the past's users asks, -1 for one without a history there; None where
    histories have gone on since the past ended.
    """

    histories: Histories
    seen: Any
    rows: Int64 | None = None

    def __len__(self) -> int:
        return len(self.histories)

    def part(self, places: Int64) -> Asked:
        """The queries at some places."""
        rows = None if self.rows is None else self.rows[places]
        return Asked(self.histories.take(places), self.seen[places], rows)


def _offsets(owners: Int64, n: int) -> Int64:
    return np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=n))]).astype(np.int64)
