"""A user's state in memory is what the files and the whole history say, to the bit, however its events come in."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.events.event_columns import EventColumns, joined
from features.online.live.live_events import Incoming, record_items
from features.online.live.live_state import LiveState
from features.positives import DEFAULT_POSITIVES
from features.states.aggregates import (
    ITEM_STATS,
    STATE,
    USER_CATEGORY_STATS,
    USER_STATS,
    arrivals,
    state_matrix,
    state_rows,
)
from features.states.histories import user_histories
from features.states.item_states import ItemInfo, ItemStates
from features.table import type_of_time

DAY = 86_400_000_000
ITEMS = [f"i{i:02d}" for i in range(30)]
CATEGORIES = [None if i % 7 == 6 else f"c{i % 5}" for i in range(30)]
PRICES = [None if i % 4 == 0 else 1.1 * i for i in range(30)]
INFO = ItemInfo(ITEMS, CATEGORIES, PRICES)
BEGIN = 1_600_000_000_000_000


def events_of(n_events: int, seed: int, user: str = "u") -> EventColumns:
    """Some late by days, some of one instant, some of unknown items; refusals and impressions among them."""
    rng = np.random.default_rng(seed)
    known_at = BEGIN + np.cumsum(rng.integers(1, DAY // 50, n_events))
    timestamps = known_at - rng.choice([0, 0, 0, 1, 20 * DAY], n_events)
    timestamps = np.where(rng.random(n_events) < 0.3, timestamps // DAY * DAY, timestamps)  # many at midnight
    return EventColumns(
        np.arange(1, n_events + 1),
        [user] * n_events,
        rng.choice([*ITEMS, "new", "newer"], n_events).tolist(),
        rng.choice(["view", "buy", "impression", "cancel", "not_recommend"], n_events).tolist(),
        timestamps.astype(np.int64),
        np.where(rng.random(n_events) < 0.5, np.nan, rng.integers(1, 6, n_events) / 7),
        known_at.astype(np.int64),
    )


def incoming(columns: EventColumns) -> Incoming:
    return Incoming.of(columns, INFO, DEFAULT_POSITIVES)


def advanced(columns: EventColumns, size: int) -> LiveState:
    state = LiveState("u", INFO, 0)
    for first in range(0, len(columns), size):
        state.advance(incoming(columns.take(np.arange(first, min(first + size, len(columns))))))
    return state


def rows_of(columns: EventColumns) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": columns.user_ids,
            "item_id": columns.item_ids,
            "timestamp": columns.timestamps,
            "event": columns.kinds,
            "value": columns.values,
            "known_at": columns.known_at,
        }
    ).with_columns(pl.col("timestamp", "known_at").cast(type_of_time), pl.col("value").fill_nan(None))


def newest(columns: EventColumns, table) -> pl.DataFrame:
    facts = pl.DataFrame({"item_id": ITEMS, "category": CATEGORIES, "price": PRICES})
    rows = state_rows(arrivals(rows_of(columns).lazy(), facts.lazy()).collect(), table)
    return rows.group_by(table.key[:-1], maintain_order=True).last()


@pytest.mark.parametrize("size", [1, 7, 400])
def test_the_state_is_that_of_the_files_to_the_bit(size):
    columns = events_of(400, seed=3)
    state = advanced(columns, size)
    assert np.array_equal(state.stats, state_matrix(newest(columns, USER_STATS))[0], equal_nan=True)
    pairs = newest(columns, USER_CATEGORY_STATS).sort("category")
    assert [INFO.category_names[code] for code in state.codes] == pairs["category"].to_list()
    expected = state_matrix(pairs)
    held = ~np.isnan(expected).all(axis=0)  # a pair's row has fewer columns
    assert np.array_equal(state.pairs[:, held], expected[:, held], equal_nan=True)
    history = state.history.columns()
    (row,) = user_histories(rows_of(columns), int(columns.known_at[-1])).iter_rows(named=True)
    assert history.item_ids(ITEMS) == row["item_ids"]
    assert history.timestamps.tolist() == row["timestamps"]
    assert history.positive.tolist() == row["positive"]
    assert history.refused.tolist() == row["refused"]


def test_distinct_items_are_those_of_the_whole_history():
    state = advanced(events_of(400, seed=5), 3)
    history = state.history.columns()
    known = history.positions >= 0
    chosen_at, refuses = {}, {}
    for item, at, positive, refused in zip(
        history.positions[known].tolist(),
        history.timestamps[known].tolist(),
        history.positive[known].tolist(),
        history.refused[known].tolist(),
        strict=True,
    ):
        if positive:
            chosen_at[item] = at
        if positive or refused:
            refuses[item] = refused
    items, latest = state.history.touched.chosen()
    assert dict(zip(items.tolist(), latest.tolist(), strict=True)) == chosen_at
    assert items.tolist() == sorted(chosen_at)
    assert state.history.touched.refused().tolist() == sorted(item for item in refuses if refuses[item])
    assert state.history.touched.items.tolist() == sorted(set(history.positions[known].tolist()))
    assert state.history.chosen_items.tolist() == history.positions[known & history.positive].tolist()


def test_an_event_counts_once_and_arrays_that_were_given_out_stay():
    columns = events_of(60, seed=7)
    state = advanced(columns.take(np.arange(40)), 40)
    before, times = state.history.columns(), state.history.chosen_times
    copies = (before.items.copy(), before.timestamps.copy(), times.copy(), state.pairs.copy())
    pairs = state.pairs
    state.advance(incoming(columns.take(np.arange(20, 60))))
    assert np.array_equal(state.stats, advanced(columns, 60).stats, equal_nan=True)
    given = (before.items, before.timestamps, times, pairs)
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(given, copies, strict=True))
    assert state.last_seq == 60


def test_items_advance_as_one_by_one_to_the_bit():
    columns = joined([events_of(300, seed=1, user="a"), events_of(300, seed=2, user="b")])
    columns = EventColumns(np.arange(1, 601), *(getattr(columns, name) for name in list(vars(columns))[1:]))
    nothing = np.full((30, len(STATE)), np.nan)
    together = ItemStates(ITEMS, nothing.copy(), DEFAULT_POSITIVES, 0)
    alone = ItemStates(ITEMS, nothing.copy(), DEFAULT_POSITIVES, 0)
    record_items(together, incoming(columns))
    for row in range(600):
        record_items(alone, incoming(columns.take(np.array([row]))))
    assert np.array_equal(together.states, alone.states, equal_nan=True)
    assert together.last_seq == alone.last_seq == 600
    one_user = events_of(300, seed=1)
    of_files = ItemStates(ITEMS, nothing.copy(), DEFAULT_POSITIVES, 0)
    record_items(of_files, incoming(one_user))
    expected = newest(one_user, ITEM_STATS).filter(pl.col("item_id").is_in(ITEMS)).sort("item_id")
    held = [name in ITEM_STATS.columns for name in STATE]
    rows = [ITEMS.index(item_id) for item_id in expected["item_id"]]
    assert np.array_equal(of_files.states[rows][:, held], state_matrix(expected)[:, held], equal_nan=True)
