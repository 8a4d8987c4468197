"""Availability: from when and until when each item may be offered; the service and judging read this one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Int64

ALWAYS = np.iinfo(np.int64).min  # as a start: since ever; as an end: never offered
NEVER = np.iinfo(np.int64).max  # as an end: it does not end


@dataclass(frozen=True)
class Availability:
    """An item is offered at an instant when starts <= instant < ends.

    starts, ends: (n_items,) µs since 1970 UTC, in the order of the vocabulary.
    """

    starts: Int64
    ends: Int64

    @classmethod
    def since(cls, created_at: Int64) -> Availability:
        """Of items that are offered from their creation on."""
        return cls(created_at, np.full(len(created_at), NEVER))

    def unavailable_at(self, at: int) -> Bool | None:
        """(n_items,) which items are not offered at an instant [µs]; None when all are."""
        return self.unavailable_through(at, at)

    def unavailable_through(self, first: int, last: int) -> Bool | None:
        """(n_items,) which items are offered at no instant from `first` to `last`; None when each is at some."""
        unavailable = (self.starts > last) | (self.ends <= first)
        return unavailable if unavailable.any() else None

    def changes_within(self, first: int, last: int) -> Int64:
        """Positions of the items that are offered at some instants from `first` to `last` and not at others."""
        begins = (self.starts > first) & (self.starts <= last)
        ends = (self.ends > first) & (self.ends <= last)
        return np.flatnonzero(begins | ends)
