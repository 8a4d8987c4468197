"""A user's state in memory, advanced by events of the log at a cost that does not grow with the history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Float64, Int32, Int64
from features.online.live.live_events import Incoming
from features.states.aggregates import STATE
from features.states.item_states import ItemInfo
from features.states.keyed_arrivals import advance_keys
from features.states.live_history import LiveHistory

_NOTHING = np.full(len(STATE), np.nan)


class LiveState:
    """stats: (len(STATE),), NaN where nothing is known; codes: (n,) the categories that the history touches, ascending;
    pairs: (n, len(STATE)) the states with these; last_seq: the last event of the log that is in it.

    Arrays that were handed out do not change. Not to be advanced by two threads at once.
    """

    def __init__(self, user_id: str, info: ItemInfo, last_seq: int) -> None:
        self.user_id, self.info, self.last_seq = user_id, info, last_seq
        self.stats: Float64 = _NOTHING
        self.codes: Int32 = np.zeros(0, dtype=np.int32)
        self.pairs: Float64 = np.zeros((0, len(STATE)))
        self.history = LiveHistory(info.position)
        self.stats_seq = last_seq  # rows of a store may hold more of the log than its history does
        self.pair_seqs: Int64 = np.zeros(0, dtype=np.int64)
        self.known_at = 0  # of the newest event [µs]

    @property
    def n_bytes(self) -> int:
        """What it takes of memory, roughly."""
        return self.history.n_bytes + self.pairs.nbytes + self.codes.nbytes + self.pair_seqs.nbytes + 1_000

    def set_history(
        self, item_ids: Sequence[str], timestamps: Int64, positive: np.ndarray, refused: np.ndarray
    ) -> None:
        """The history of a new state, oldest first; the categories that it touches have no state yet."""
        self.history.add(item_ids, timestamps, positive, refused)
        codes = np.unique(self.info.codes[self.history.touched.items])
        self._add_codes(codes[codes >= 0])

    def set_pair(self, code: int, pair: Float64, seq: int) -> None:
        """A row of the store: the state with a category that the history touches, and the last event that it holds."""
        row = int(np.searchsorted(self.codes, code))
        self.pairs[row], self.pair_seqs[row] = pair, max(seq, self.last_seq)

    def advance(self, incoming: Incoming) -> Int32:
        """Takes in events of this user; those that are in it count once. The codes of the categories that changed."""
        if len(incoming) and incoming.columns.user_ids[0] != self.user_id:
            raise ValueError(f"events of '{incoming.columns.user_ids[0]}' recorded for '{self.user_id}'")
        new = incoming.after(self.last_seq)
        if not len(new):
            return self.codes[:0]
        changed = self._advance_rows(incoming, new)
        rows = np.flatnonzero(~new.arrivals.impression)
        if len(rows):
            events = new.take(rows)
            self.history.add(
                events.columns.item_ids, events.columns.timestamps, events.arrivals.positive, events.refused
            )
        self.last_seq = self.stats_seq = new.columns.last_seq
        self.pair_seqs = np.maximum(self.pair_seqs, self.last_seq)
        self.known_at = max(self.known_at, int(new.columns.known_at.max()))
        return changed

    def _advance_rows(self, incoming: Incoming, new: Incoming) -> Int32:
        """Advances the rows of the user and of the categories; each takes the events that it lacks."""
        touched = np.flatnonzero((new.codes >= 0) & ~new.arrivals.impression)
        codes = np.unique(new.codes[touched])
        self._add_codes(codes)
        places = np.searchsorted(self.codes, codes)
        of_event = np.searchsorted(codes, new.codes[touched])
        lacks = new.columns.seqs[touched] > self.pair_seqs[places][of_event]
        of_user = np.flatnonzero(new.columns.seqs > self.stats_seq)
        rows = np.concatenate([of_user, touched[lacks]])
        keys = np.concatenate([np.zeros(len(of_user), dtype=np.int64), 1 + of_event[lacks]])
        before = np.concatenate([self.stats[None, :], self.pairs[places]])
        after = advance_keys(before, keys, new.arrivals.take(rows))
        self.stats = after[0]
        self.pairs = self.pairs.copy()
        self.pairs[places] = after[1:]
        return codes

    def _add_codes(self, codes: Int32) -> None:
        """Categories that are touched from now on; codes: ascending."""
        if not len(self.codes):
            self.codes = codes.astype(np.int32)
            self.pairs = np.full((len(codes), len(STATE)), np.nan)
            self.pair_seqs = np.full(len(codes), self.last_seq, dtype=np.int64)
            return
        fresh = np.setdiff1d(codes, self.codes)
        if not len(fresh):
            return
        at = np.searchsorted(self.codes, fresh)
        self.codes = np.insert(self.codes, at, fresh).astype(np.int32)
        self.pairs = np.insert(self.pairs, at, np.nan, axis=0)
        self.pair_seqs = np.insert(self.pair_seqs, at, self.last_seq)
