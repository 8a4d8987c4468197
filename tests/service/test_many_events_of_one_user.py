"""One user with very many events: taken in beside the answers, in time linear in their number, and the same bits."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from features.online.namespace import OnlineNamespace

NOW = 1_750_000_000


def post_many(client, made, n_events: int, user: str = "till") -> None:
    items = made.catalogue["item_id"].to_list()
    kinds = ["view", "purchase", "impression", "cancel"]
    for first in range(0, n_events, 10_000):
        events = [
            {
                "user_id": user,
                "item_id": items[i % len(items)],
                "event": kinds[i % 4],
                "timestamp": NOW - (i * 7919) % 997,
            }
            for i in range(first, min(first + 10_000, n_events))
        ]
        assert client.post("/events", json={"events": events}).status_code == 200


def test_another_user_is_answered_while_they_are_taken_in(client, made):
    post_many(client, made, 30_000)
    done: list[int] = []
    asker = threading.Thread(
        target=lambda: done.append(client.post("/recommend", json={"user_id": "till"}).status_code)
    )
    asker.start()
    answered_meanwhile, longest = 0, 0.0
    while asker.is_alive():
        started = time.monotonic()
        assert client.post("/recommend", json={"user_id": "another"}).status_code == 200
        longest = max(longest, time.monotonic() - started)
        answered_meanwhile += asker.is_alive()
    assert done == [200]
    assert answered_meanwhile >= 2
    assert longest < 1.5  # some 50 ms on quiet cores
    history = client.get("/history", params={"user_id": "till"}).json()
    assert history["n_events"] == 22_500  # three in four are no impressions


def test_many_events_at_once_and_in_small_parts_leave_the_same_bits(client, made, settings):
    post_many(client, made, 3_000)
    sessions = client.runtime.serving().sessions
    events = client.runtime.log.of_user("till")
    parts = OnlineNamespace(settings, "r1_ns")
    for first in range(0, 3_000, 300):
        parts.record("till", events[: first + 300], sessions.info)
    categories = sessions.info.category_names
    (in_parts,) = parts.users(["till"], categories)
    renamed = [type(event)(**{**vars(event), "user_id": "at once"}) for event in events]
    parts.record("at once", renamed, sessions.info)
    (at_once,) = parts.users(["at once"], categories)
    assert np.array_equal(at_once.stats, in_parts.stats, equal_nan=True)
    assert at_once.item_ids == in_parts.item_ids
    assert at_once.timestamps.tolist() == in_parts.timestamps.tolist() == sorted(in_parts.timestamps.tolist())
    assert at_once.positive.tolist() == in_parts.positive.tolist()
    assert at_once.by_category.keys() == in_parts.by_category.keys()
    for category, state in at_once.by_category.items():
        assert np.array_equal(state, in_parts.by_category[category], equal_nan=True)


@pytest.mark.soak
def test_a_hundred_thousand_events_take_less_than_three_seconds(client, made):
    post_many(client, made, 100_000)
    started = time.monotonic()
    assert client.post("/recommend", json={"user_id": "till", "include_seen": True}).status_code == 200
    assert time.monotonic() - started < 3
