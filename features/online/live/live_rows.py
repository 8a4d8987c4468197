"""Reads a user's state from the online store and writes what changed, each row with the last event that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np

from features.arrays import Bool, Float64, Int64
from features.online.live.live_state import LiveState
from features.online.namespace import OnlineNamespace
from features.online.rows import A_SLICE, instant_of, values_of
from features.states.aggregates import POSITION, STATE, STATS, USER_CATEGORY_STATS, USER_STATS, state_columns
from features.states.histories import USER_HISTORY
from features.states.item_states import ItemInfo
from features.states.live_history import HistoryColumns
from features.table import Table

_WRITER = "\x00writer"  # the lock of whoever writes to a namespace
TAIL = 256  # events that a stored history may lack of the log,
TAIL_SHARE = 8  # or an eighth of its length: so an event costs the same however long the history is


@dataclass(frozen=True)
class Unwritten:
    """What is to be written of a state: all as of one event. history: None where its row stays as it is; n_lacking:
    events of the log that the stored history lacks."""

    user_id: str
    seq: int
    known_at: datetime
    stats: Float64
    pairs: dict[str, Float64]
    history: HistoryColumns | None
    vocabulary: list[str]
    n_lacking: int

    @classmethod
    def of(cls, state: LiveState, codes: Sequence[int], n_lacking: int, *, history: bool | None = None) -> Unwritten:
        """Of a state, with the rows of some categories; history: whether with its row, None: where that is due."""
        names, columns = state.info.category_names, state.history.columns()
        places = np.searchsorted(state.codes, np.array(codes, dtype=np.int32)).tolist()
        return cls(
            user_id=state.user_id,
            seq=state.last_seq,
            known_at=instant_of(state.known_at),
            stats=state.stats,
            pairs={names[code]: state.pairs[place] for code, place in zip(codes, places, strict=True)},
            history=columns if (is_due(len(columns), n_lacking) if history is None else history) else None,
            vocabulary=state.info.item_ids,
            n_lacking=n_lacking,
        )

    def history_row(self, history: HistoryColumns) -> dict[str, Any]:
        """Values of USER_HISTORY."""
        return {
            "item_ids": history.item_ids(self.vocabulary),
            "timestamps": history.timestamps.tolist(),
            "positive": history.positive.tolist(),
            "refused": history.refused.tolist(),
            "last_seq": self.seq,
        }


def is_due(n_events: int, n_lacking: int) -> bool:
    """Whether a history of so many events, whose row lacks so many of the log, is to be written again."""
    return n_lacking > max(TAIL, n_events // TAIL_SHARE)


class LiveRows:
    """The rows of users in one namespace, for one thread."""

    def __init__(self, namespace: OnlineNamespace, info: ItemInfo) -> None:
        self.namespace, self.info = namespace, info

    def read(self, user_id: str) -> LiveState:
        """The stored state, an unknown user's is empty; the log's events after its `last_seq` are still to be taken in.

        Raises:
            StoreUnavailableError: the store does not answer, or has lost the namespace.
        """
        namespace = self.namespace
        history = namespace.history(user_id)
        through = namespace.events_through
        state = LiveState(user_id, self.info, max(through, _whole(history, "last_seq")))
        if history is not None:
            positive = _bools(history, "positive")
            refused = _bools(history, "refused") if "refused" in history else ~positive
            state.set_history(_texts(history, "item_ids"), _wholes(history, "timestamps"), positive, refused)
        (stats,) = namespace.values(USER_STATS, [{"user_id": user_id}])
        if stats is not None:
            state.stats = _state(stats, USER_STATS)
            state.stats_seq = max(through, _whole(stats, "last_seq"))
        names = [self.info.category_names[code] for code in state.codes.tolist()]
        keys = [{"user_id": user_id, "category": name} for name in names]
        for code, pair in zip(state.codes.tolist(), namespace.values(USER_CATEGORY_STATS, keys), strict=True):
            if pair is not None:
                state.set_pair(code, _state(pair, USER_CATEGORY_STATS), max(through, _whole(pair, "last_seq")))
        return state

    def write(self, batch: Sequence[Unwritten], wait_s: float = 30.0) -> None:
        """Writes the rows that hold less of the log than these; whoever of several processes is ahead wins.

        Raises:
            WriteRefusedError: the store cannot be written, or other processes write to it for longer than `wait_s`.
            StoreUnavailableError: the store does not answer.
        """
        namespace = self.namespace
        namespace.open()  # before the lock is taken
        with namespace.place.lock(_WRITER, wait_s):
            namespace.check_marker()
            pairs = [(one, name) for one in batch for name in one.pairs]
            rows = [((one.user_id, name), one.pairs[name], one) for one, name in pairs]
            self._write_behind(USER_CATEGORY_STATS, rows)
            self._write_behind(USER_STATS, [((one.user_id,), one.stats, one) for one in batch])
            for one in batch:
                if one.history is not None:  # last: it says that all is written
                    self._write_history(one, one.history)

    def _write_behind(self, table: Table, rows: Sequence[tuple[tuple[str, ...], Float64, Unwritten]]) -> None:
        """Those rows of which the store holds less of the log."""
        if not rows:
            return
        keys = [dict(zip(table.key, key, strict=False)) for key, _, _ in rows]
        stored = [_whole(row, "last_seq") for row in self.namespace.values(table, keys, ("last_seq",))]
        behind = [
            (key, values_of(table, state, one.seq), one.known_at)
            for (key, state, one), seq in zip(rows, stored, strict=True)
            if seq < one.seq
        ]
        if behind:
            self.namespace.write(table, behind)

    def _write_history(self, one: Unwritten, history: HistoryColumns) -> None:
        (stored,) = self.namespace.values(USER_HISTORY, [{"user_id": one.user_id}], ("last_seq",))
        if _whole(stored, "last_seq") < one.seq:
            self.namespace.write(USER_HISTORY, [((one.user_id,), one.history_row(history), one.known_at)])


def _state(row: dict[str, Any], table: Table) -> Float64:
    """A row as a state; NaN where the row has no value."""
    state = np.full(len(STATE), np.nan)
    for name, position in _positions(table.name):
        value = row.get(name)
        kind = value.WhichOneof("val") if value is not None else None
        if kind is not None:
            state[position] = getattr(value, kind)
    return state


@cache
def _positions(table: str) -> tuple[tuple[str, int], ...]:
    """A table's columns that are state, and where they stand in one."""
    return tuple((name, POSITION[name]) for name in state_columns(STATS[table]))


def _whole(row: dict[str, Any] | None, name: str) -> int:
    """A whole number of a row, 0 where there is none."""
    return int(row[name].int64_val) if row is not None and name in row else 0


def _wholes(row: dict[str, Any], name: str) -> Int64:
    values = row[name].int64_list_val.val
    parts = [np.array(values[start : start + A_SLICE], dtype=np.int64) for start in range(0, len(values), A_SLICE)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _bools(row: dict[str, Any], name: str) -> Bool:
    values = row[name].bool_list_val.val
    parts = [np.array(values[start : start + A_SLICE], dtype=np.bool_) for start in range(0, len(values), A_SLICE)]
    return np.concatenate([np.zeros(0, dtype=np.bool_), *parts])


def _texts(row: dict[str, Any], name: str) -> list[str]:
    values = row[name].string_list_val.val
    texts: list[str] = []
    for start in range(0, len(values), A_SLICE):
        texts += values[start : start + A_SLICE]
    return texts
