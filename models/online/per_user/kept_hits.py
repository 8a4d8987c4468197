"""Kept hits: what retrievers offered the users that asked last, for as long as nothing changes what it depends on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.online.per_user.asked_history import AskedHistory
from models.online.per_user.user_cache import UserCache
from models.single_query.one_query import OneHits, OneQuery
from models.transformer.shape import GAPS

MAX_BYTES = 32 << 20  # some 1,500 users of a dozen retrievers with 200 items each
OVERHEAD_BYTES = 1_000


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """The lists of some retrievers, and all that they depend on; blocked: a bit an item; gap: see `gap_of`; by_gap: the
    retrievers that it matters to."""

    history: AskedHistory
    blocked: npt.NDArray[np.uint8]
    k: int
    hits: Mapping[str, OneHits]
    gap: int
    by_gap: Collection[str]

    def is_of(self, query: OneQuery, blocked: npt.NDArray[np.uint8], k: int) -> bool:
        return self.k == k and self.history.is_of(query) and np.array_equal(self.blocked, blocked)

    @property
    def n_bytes(self) -> int:
        lists = sum(hits.items.nbytes + hits.scores.nbytes for hits in self.hits.values())
        return self.history.n_bytes + self.blocked.nbytes + lists + OVERHEAD_BYTES


class KeptHits(UserCache[_Entry]):
    """Only of retrievers whose list is a function of the history, of what is blocked, and at most of `gap_of`."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(max_bytes)

    def find(self, query: OneQuery, k: int) -> Mapping[str, OneHits]:
        """The best k of each retriever that the user's last query got, where this one would get the same; else none."""
        entry = self.get(query.user_id)
        if entry is None or not entry.is_of(query, np.packbits(query.blocked), k):
            return {}
        if entry.by_gap and entry.gap != gap_of(query):
            return {name: hits for name, hits in entry.hits.items() if name not in entry.by_gap}
        return entry.hits

    def keep(self, query: OneQuery, k: int, hits: Mapping[str, OneHits], by_gap: Collection[str] = ()) -> None:
        """Keeps the lists of a user's query; by_gap: names of those that another `gap_of` may change."""
        entry = _Entry(
            history=AskedHistory.of(query),
            blocked=np.packbits(query.blocked),
            k=k,
            hits=hits,
            gap=gap_of(query),
            by_gap=by_gap,
        )
        self.put(query.user_id, entry)


def gap_of(query: OneQuery) -> int:
    """The bucket of the time since the newest event, all that a transformer reads of the instant: as
    shape.gap_buckets, since ceil(log2(seconds + 1)) is the number of binary digits of the seconds."""
    if not query.n_events:
        return 0
    seconds = max(query.at - int(query.times[-1]), 0) // 1_000_000
    return min(seconds.bit_length(), GAPS - 1)
