"""Items that join served states: with what the log holds of them, in whichever order they came."""

from __future__ import annotations

import numpy as np

from features.events.event_log import Event
from features.positives import DEFAULT_POSITIVES
from features.states.aggregates import STATE
from features.states.growing_items import GrowingItemStates
from features.states.item_states import ItemInfo, ItemStates

SECOND = 1_000_000
EVENTS = [
    Event(seq, f"e{seq}", "u", item_id, "click", seq * SECOND, None, seq * SECOND, None)
    for seq, item_id in enumerate(["a", "new", "b", "new", "newer", "a"], start=1)
]


def read(after: int, limit: int) -> list[Event]:
    return [event for event in EVENTS if event.seq > after][:limit]


def states(n_before: int) -> GrowingItemStates:
    """Those of two items after some events, then two more join, then come the other events."""
    info = ItemInfo(["a", "b"], ["x", None])
    empty = ItemStates(info.item_ids, np.full((2, len(STATE)), np.nan), DEFAULT_POSITIVES, 0)
    growing = GrowingItemStates(empty, info)
    growing.record_all(EVENTS[:n_before])
    unknown = np.full(2, np.nan, dtype=np.float32)
    growing.add(["new", "newer"], np.array([0, -1], np.int32), unknown, np.full(2, 7), read)
    growing.record_all(EVENTS)
    return growing


def test_it_does_not_matter_when_an_item_joined():
    whole = ItemStates(["a", "b", "new", "newer"], np.full((4, len(STATE)), np.nan), DEFAULT_POSITIVES, 0)
    whole.record_all(EVENTS)
    for n_before in (0, 3, 6):
        assert np.array_equal(states(n_before).states, whole.states, equal_nan=True)


def test_facts_and_states_hold_the_same_items():
    growing = states(2)
    assert growing.item_ids is growing.info.item_ids
    assert growing.info.category("new") == "x" and growing.info.category("newer") is None
    assert growing.info.created_at.tolist()[2:] == [7, 7]
