"""Events of the log as columns: what many of them cost is a few arrays, not an object each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.arrays import Float64, Int64
from features.events.event_log import EventLog

NAMES = ("seq", "user_id", "item_id", "event", "timestamp", "value", "known_at")


@dataclass(frozen=True)
class EventColumns:
    """Events in order of seq: (n,) each. Times in µs; values NaN where unknown."""

    seqs: Int64
    user_ids: list[str]
    item_ids: list[str]
    kinds: list[str]
    timestamps: Int64
    values: Float64
    known_at: Int64

    def __len__(self) -> int:
        return len(self.seqs)

    @property
    def last_seq(self) -> int:
        """Of the newest event, 0 when there is none."""
        return int(self.seqs[-1]) if len(self.seqs) else 0

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[Any, ...]]) -> EventColumns:
        """From rows with the columns NAMES."""
        if not rows:
            return _none
        seqs, user_ids, item_ids, kinds, timestamps, values, known_at = zip(*rows, strict=True)
        return cls(
            _whole(seqs),
            list(user_ids),
            list(item_ids),
            list(kinds),
            _whole(timestamps),
            np.array(values, dtype=np.float64),  # None becomes NaN
            _whole(known_at),
        )

    def take(self, rows: Int64) -> EventColumns:
        """Some of them, in order."""
        if len(rows) == len(self.seqs):
            return self
        chosen = rows.tolist()
        return EventColumns(
            self.seqs[rows],
            [self.user_ids[row] for row in chosen],
            [self.item_ids[row] for row in chosen],
            [self.kinds[row] for row in chosen],
            self.timestamps[rows],
            self.values[rows],
            self.known_at[rows],
        )

    def after(self, seq: int) -> EventColumns:
        """Those that a state which holds the log up to `seq` lacks."""
        return self.take(np.arange(int(np.searchsorted(self.seqs, seq, side="right")), len(self.seqs)))

    def rows_by_user(self) -> dict[str, Int64]:
        """Each user's rows, in order."""
        rows: dict[str, list[int]] = {}
        for row, user_id in enumerate(self.user_ids):
            rows.setdefault(user_id, []).append(row)
        return {user_id: np.array(of_user, dtype=np.int64) for user_id, of_user in rows.items()}


def joined(parts: Sequence[EventColumns]) -> EventColumns:
    """Several stretches of the log as one, in the order given."""
    if len(parts) == 1:
        return parts[0]
    return EventColumns(
        np.concatenate([part.seqs for part in parts]) if parts else _whole([]),
        [user_id for part in parts for user_id in part.user_ids],
        [item_id for part in parts for item_id in part.item_ids],
        [kind for part in parts for kind in part.kinds],
        np.concatenate([part.timestamps for part in parts]) if parts else _whole([]),
        np.concatenate([part.values for part in parts]) if parts else np.zeros(0),
        np.concatenate([part.known_at for part in parts]) if parts else _whole([]),
    )


def read_columns(log: EventLog, after_seq: int, limit: int, user_id: str | None = None) -> EventColumns:
    """Events after a seq, of all users or of one, in order, at most `limit`.

    Raises:
        DatabaseError: the log does not answer.
    """
    return EventColumns.of_rows(log.rows(NAMES, after_seq, limit, user_id))


def _whole(numbers: Sequence[int]) -> Int64:
    return np.array(numbers, dtype=np.int64)


_none = EventColumns(_whole([]), [], [], [], _whole([]), np.zeros(0), _whole([]))
