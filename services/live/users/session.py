"""A session: what one request knows of its user, as of one event of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.arrays import Bool, Float64, Int32, Int64
from features.online.live.live_state import LiveState
from features.states.live_history import HistoryColumns
from features.states.user_state import UserState
from models.online.user_features import UserRows
from models.single_query.one_query import OneQuery

_no_items = np.zeros(0, dtype=np.int32)
_ones = np.ones(1024)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A user's state, which no later event changes; to make one costs at most the number of distinct items.

    n_events: of the whole history, items that the release lacks included; items, times: (n_chosen,) its positive events
    on items of the vocabulary, oldest first; distinct, latest: (n_distinct,) these items, ascending, and when each was
    chosen last [µs]; seen: (n_seen,) every item of the history, ascending; refused: (n_refused,) those that the user
    refused and did not choose since; stats, codes, pairs: see `UserRows`; last_seq: the last event of the log in it;
    history: every event; n_items: of the vocabulary when it was made; degraded: what it had to do without: "event_log",
    "online_store" (stores that do not answer), "deadline" (no time to read the user); fault: why the user's history is
    not in it, in a sentence.
    """

    user_id: str
    n_events: int
    items: Int32
    times: Int64
    distinct: Int32
    latest: Int64
    seen: Int32
    refused: Int32
    stats: Float64
    codes: Int32
    pairs: Float64
    last_seq: int
    history: HistoryColumns
    n_items: int
    vocabulary: list[str]
    category_names: list[str]
    degraded: tuple[str, ...] = ()
    fault: str | None = None

    @classmethod
    def of(cls, state: LiveState) -> Session:
        """Of a state as it is now."""
        history = state.history
        distinct, latest = history.touched.chosen()
        return cls(
            user_id=state.user_id,
            n_events=len(history),
            items=history.chosen_items,
            times=history.chosen_times,
            distinct=distinct,
            latest=latest,
            seen=history.touched.items,
            refused=history.touched.refused(),
            stats=state.stats,
            codes=state.codes,
            pairs=state.pairs,
            last_seq=state.last_seq,
            history=history.columns(),
            n_items=len(state.info.item_ids),
            vocabulary=state.info.item_ids,
            category_names=state.info.category_names,
        )

    def without(self, *stores: str, fault: str | None = None) -> Session:
        """The same, where stores did not answer."""
        if not stores:
            return self
        return replace(self, degraded=tuple(dict.fromkeys((*self.degraded, *stores))), fault=fault or self.fault)

    def within(self, n_items: int) -> Session:
        """The same in the first items of the vocabulary: it may have grown since a request took its release."""
        if self.n_items == n_items:
            return self
        in_vocabulary = self.items < n_items
        n_distinct, n_seen = np.searchsorted(self.distinct, n_items), np.searchsorted(self.seen, n_items)
        return replace(
            self,
            n_items=n_items,
            items=self.items[in_vocabulary],
            times=self.times[in_vocabulary],
            distinct=self.distinct[:n_distinct],
            latest=self.latest[:n_distinct],
            seen=self.seen[:n_seen],
            refused=self.refused[self.refused < n_items],
        )

    def blocked(
        self, unavailable: Bool | None = None, excluded: Int32 = _no_items, *, include_seen: bool = False
    ) -> Bool:
        """(n_items,) what must not be offered: unavailable (n_items,), excluded (positions, -1 passed over), refused,
        and seen unless `include_seen`."""
        blocked = np.zeros(self.n_items, dtype=np.bool_) if unavailable is None else unavailable.copy()
        blocked[self.refused] = True
        if not include_seen:
            blocked[self.seen] = True
        if len(excluded):
            blocked[excluded[excluded >= 0]] = True
        return blocked

    def query(
        self,
        at: int,
        *,
        unavailable: Bool | None = None,
        excluded: Int32 = _no_items,
        include_seen: bool = False,
    ) -> OneQuery:
        """The user's question at an instant [µs]; see `blocked`."""
        return OneQuery(
            user_id=self.user_id,
            at=at,
            items=self.items,
            times=self.times,
            weights=ones(len(self.items)),
            distinct=self.distinct,
            latest=self.latest,
            latest_weights=ones(len(self.distinct)),
            blocked=self.blocked(unavailable, excluded, include_seen=include_seen),
        )

    def user_rows(self) -> UserRows:
        """The user's state rows, with those of every category that the history touches."""
        return UserRows(stats=self.stats, codes=self.codes, pairs=self.pairs)

    def user_state(self) -> UserState:
        """The same as the batch path takes it: texts and lists, whose cost grows with the history."""
        rows = zip(self.codes.tolist(), self.pairs, strict=True)
        return UserState(
            self.user_id,
            self.stats,
            self.history.item_ids(self.vocabulary),
            self.history.timestamps,
            self.history.positive,
            self.history.refused,
            {self.category_names[code]: pair for code, pair in rows},
            self.last_seq,
        )


def ones(n: int) -> Float64:
    """(n,) of 1, shared by all who ask."""
    global _ones  # noqa: PLW0603
    if n > len(_ones):
        _ones = np.ones(2 * n)
    return _ones[:n]
