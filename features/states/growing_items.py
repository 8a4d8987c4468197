"""Item states and facts that grow: items that join a served vocabulary after its own, without a moment of doubt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from features.arrays import Float32, Int32, Int64
from features.states.batches import Event
from features.states.item_states import ItemInfo, ItemStates

Read = Callable[[int, int], Sequence[Event]]
"""(after_seq, limit) → events of the log, in order."""
_A_READ = 10_000


class GrowingItemStates(ItemStates):
    """As ItemStates, with further items after the first ones; safe to use from several threads.

    `item_ids` is one list with that of `info`, so that both always hold the same items.
    """

    def __init__(self, states: ItemStates, info: ItemInfo) -> None:
        super().__init__([], states.states, states.positives, states.last_seq)
        self.info = info
        self.item_ids = info.item_ids
        self._position = {item_id: position for position, item_id in enumerate(self.item_ids)}
        self._counted_from = states.last_seq
        self._lock = self.changing = threading.Lock()

    def record_all(self, events: Sequence[Event]) -> None:
        with self._lock:
            super().record_all(events)

    def add(self, item_ids: Sequence[str], codes: Int32, prices: Float32, created_at: Int64, read: Read) -> None:
        """Further items, with the events that the log holds of them since the release's data.

        codes: (n_new,) position in the category names of `info`, -1 where unknown there; prices: NaN where unknown;
        created_at: µs, UNKNOWN_TIME where unknown.
        """
        states = np.full((len(item_ids), self.states.shape[1]), np.nan)
        grown = ItemStates(list(item_ids), states, self.positives, self._counted_from)
        _catch_up(grown, read, self.last_seq)  # most of it without the lock
        with self._lock:
            _catch_up(grown, read, self.last_seq)
            n_items = len(self.item_ids)
            info = self.info
            info.codes = np.concatenate([info.codes, codes.astype(np.int32)])
            info.prices = np.concatenate([info.prices, prices.astype(np.float32)])
            info.created_at = np.concatenate([info.created_at, created_at.astype(np.int64)])
            self.states = np.concatenate([self.states, grown.states])
            self.item_ids.extend(item_ids)
            positions = {item_id: n_items + row for row, item_id in enumerate(item_ids)}
            info.position.update(positions)
            self._position.update(positions)


def _catch_up(items: ItemStates, read: Read, last: int) -> None:
    """Takes in the events of the log up to a seq, page by page."""
    while items.last_seq < last:
        events = [event for event in read(items.last_seq, min(_A_READ, last - items.last_seq)) if event.seq <= last]
        if not events:
            return
        items.record_all(events)
