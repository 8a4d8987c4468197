"""Events of the log as the states take them in."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Float32, Int32, Int64
from features.events.event_columns import EventColumns
from features.positives import REFUSALS, Positives
from features.states.aggregates import amounts_of
from features.states.batches import Arrivals
from features.states.growing_items import GrowingItemStates
from features.states.item_states import ItemInfo, ItemStates
from features.states.keyed_arrivals import advance_keys


@dataclass(frozen=True)
class Incoming:
    """Events in order of seq. positions: (n,) of their items in the vocabulary, -1 unknown; codes: (n,) of the items'
    categories, -1 none; refused: (n,) whether the user says no."""

    columns: EventColumns
    arrivals: Arrivals
    positions: Int32
    codes: Int32
    refused: Bool

    def __len__(self) -> int:
        return len(self.positions)

    @classmethod
    def of(cls, columns: EventColumns, info: ItemInfo, positives: Positives) -> Incoming:
        get = info.position.get
        positions = np.fromiter((get(item, -1) for item in columns.item_ids), dtype=np.int32, count=len(columns))
        prices = np.append(info.prices, np.float32(np.nan))[positions]  # -1, an unknown item, is the one at the end
        codes = np.append(info.codes, np.int32(-1))[positions]
        kinds = set(columns.kinds)
        flags = {kind: (kind in positives, kind == "impression", kind in REFUSALS) for kind in kinds}
        of_events = np.array([flags[kind] for kind in columns.kinds], dtype=np.bool_).reshape(-1, 3)
        positive, impression, refused = (np.ascontiguousarray(column) for column in of_events.T)
        return cls(columns, _arrivals(columns, prices, positive, impression), positions, codes, refused)

    def take(self, rows: Int64) -> Incoming:
        """Some of them, in order."""
        if len(rows) == len(self):
            return self
        return Incoming(
            self.columns.take(rows),
            self.arrivals.take(rows),
            self.positions[rows],
            self.codes[rows],
            self.refused[rows],
        )

    def after(self, seq: int) -> Incoming:
        """Those that a state which holds the log up to `seq` lacks."""
        return self.take(np.arange(int(np.searchsorted(self.columns.seqs, seq, side="right")), len(self)))


def record_items(items: ItemStates, incoming: Incoming) -> None:
    """Takes events into the items' states, as `ItemStates.record_all` does, in steps for all items at once."""
    with items.changing if isinstance(items, GrowingItemStates) else nullcontext():
        incoming = incoming.after(items.last_seq)
        if not len(incoming):
            return
        get, ids = items._position.get, incoming.columns.item_ids
        positions = incoming.positions.copy()
        for row in np.flatnonzero(positions < 0).tolist():  # the item may have joined meanwhile
            positions[row] = get(ids[row], -1)
        rows = np.flatnonzero(positions >= 0)
        if len(rows):
            arrivals = incoming.arrivals.take(rows)
            arrivals.amounts[:, 7:9] = 0.0  # an item's state has no prices
            distinct, keys = np.unique(positions[rows], return_inverse=True)
            items.states[distinct] = advance_keys(items.states[distinct], keys, arrivals)
        items.last_seq = incoming.columns.last_seq


def _arrivals(columns: EventColumns, prices: Float32, positive: Bool, impression: Bool) -> Arrivals:
    timestamps = columns.timestamps.astype(np.float64)
    arrival = np.maximum(columns.known_at, columns.timestamps).astype(np.float64)
    amounts = amounts_of(arrival, timestamps, positive, impression, columns.values, prices)
    event_at = np.where(impression, np.nan, timestamps)
    return Arrivals(
        amounts, arrival, event_at, columns.seqs, columns.timestamps, columns.known_at, impression, positive
    )
