"""A user's history in memory: growing arrays in the vocabulary of one release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from features.arrays import Bool, Int32, Int64
from features.states.growing import Growing
from features.states.touched_items import TouchedItems


@dataclass(frozen=True)
class HistoryColumns:
    """A history as of one event, oldest first; later events do not show in it.

    items: (n_events,) positions in the vocabulary, or -2 less the place in `strangers`; timestamps: µs.
    """

    items: Int32
    timestamps: Int64
    positive: Bool
    refused: Bool
    strangers: list[str]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def positions(self) -> Int32:
        """(n_events,) in the vocabulary, -1 for items that it lacks."""
        return np.maximum(self.items, -1)

    def item_ids(self, vocabulary: Sequence[str], newest: int | None = None) -> list[str]:
        """The ids of all events, or of so many newest ones, oldest first."""
        items = self.items if newest is None else self.items[max(len(self.items) - newest, 0) :]
        return [vocabulary[item] if item >= 0 else self.strangers[-2 - item] for item in items.tolist()]


class LiveHistory:
    """Every event of a user but impressions, oldest first; events of one instant in order of recording.

    An event at the end costs the same however long the history is. Arrays that were handed out do not change.
    """

    def __init__(self, position: dict[str, int]) -> None:
        """position: of each item id of the vocabulary."""
        self._position = position
        self._strangers: list[str] = []  # ids of items that the vocabulary lacks
        self._items = Growing(np.zeros(0, dtype=np.int32))  # of such an item -2 less its place in `_strangers`
        self._timestamps = Growing(np.zeros(0, dtype=np.int64))
        self._positive = Growing(np.zeros(0, dtype=np.bool_))
        self._refused = Growing(np.zeros(0, dtype=np.bool_))
        self._chosen_items = Growing(np.zeros(0, dtype=np.int32))
        self._chosen_times = Growing(np.zeros(0, dtype=np.int64))
        self.touched = TouchedItems()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_strangers(self) -> bool:
        """Whether there are events on items that the vocabulary lacked when they came."""
        return bool(self._strangers)

    @property
    def n_bytes(self) -> int:
        """What it takes of memory, roughly."""
        columns = (self._items, self._timestamps, self._positive, self._refused, self._chosen_items, self._chosen_times)
        return sum(column.n_bytes for column in columns) + self.touched.n_bytes + 100 * len(self._strangers) + 2_000

    def columns(self) -> HistoryColumns:
        """Every event, as of now."""
        return HistoryColumns(
            self._items.values, self._timestamps.values, self._positive.values, self._refused.values, self._strangers
        )

    @property
    def chosen_items(self) -> Int32:
        """(n_chosen,) positions of the positive events on items of the vocabulary, oldest first."""
        return self._chosen_items.values

    @property
    def chosen_times(self) -> Int64:
        """(n_chosen,) µs of the same."""
        return self._chosen_times.values

    def add(self, item_ids: Sequence[str], timestamps: Int64, positive: Bool, refused: Bool) -> Int32:
        """More events (n,), in order of recording; (n,) the positions of their items, -1 for unknown ones."""
        items = self._codes(item_ids)
        order = np.argsort(timestamps, kind="stable")
        events = (items[order], timestamps[order], positive[order], refused[order])
        self._insert((self._items, self._timestamps, self._positive, self._refused), events, events[1])
        chosen = (events[0] >= 0) & events[2]
        times = events[1][chosen]
        self._insert((self._chosen_items, self._chosen_times), (events[0][chosen], times), times, self._chosen_times)
        known = events[0] >= 0
        if known.any():
            self.touched.add(events[0][known], events[1][known], events[2][known], events[3][known])
        return np.maximum(items, -1)

    def _insert(
        self,
        columns: tuple[Growing[Any], ...],
        values: tuple[np.ndarray, ...],
        times: Int64,
        of: Growing[np.int64] | None = None,
    ) -> None:
        """Adds values, ascending by their times, to columns whose times are `of`."""
        existing = (self._timestamps if of is None else of).values
        if not len(times):
            return
        if not len(existing) or times[0] >= existing[-1]:
            for column, more in zip(columns, values, strict=True):
                column.append(more)
            return
        rows = np.searchsorted(existing, times, side="right")
        for column, more in zip(columns, values, strict=True):
            column.insert(rows, more)

    def _codes(self, item_ids: Sequence[str]) -> Int32:
        items = np.array(list(map(self._position.get, item_ids, repeat(-1))), dtype=np.int32)
        for row in np.flatnonzero(items < 0).tolist():
            items[row] = -2 - len(self._strangers)
            self._strangers.append(item_ids[row])
        return items
