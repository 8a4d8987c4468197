"""A service whose clock is wrong for a while: true times are taken, and nothing is dated into the future."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from features.events.event_log import EventLog, NewEvent

YEAR_S = 365 * 86_400
true_ns = time.time_ns


def set_clock(monkeypatch, ahead_s: int) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() + ahead_s * 1_000_000_000)


def post(client, *timestamps: float | None):
    events = [{"user_id": "u-new", "item_id": "b001", "event": "click"} for _ in timestamps]
    for event, timestamp in zip(events, timestamps, strict=True):
        if timestamp is not None:
            event["timestamp"] = timestamp
    return client.post("/events", json={"events": events})


def times_of(client) -> list[float]:
    items = client.get("/history", params={"user_id": "u-new"}).json()["items"]
    return [datetime.fromisoformat(item["timestamp"]).timestamp() for item in items]


@pytest.mark.parametrize("behind_s", [301, 3600, 7 * 86_400, YEAR_S])
def test_a_clock_that_is_behind_refuses_no_true_time_and_answers_as_of_now(client, settings, monkeypatch, behind_s):
    now = true_ns() / 1e9
    for half_days in range(20, 0, -1):  # a log in use
        log = EventLog(settings.events_url, now=lambda ago=half_days: round((now - ago * 43_200) * 1e6))
        log.append([NewEvent("another", "b002", "click")])
    assert post(client, None).status_code == 200
    set_clock(monkeypatch, -behind_s)
    assert post(client, now + 1, now + 200, None).status_code == 200
    assert all(now - 5 <= at <= now + 60 for at in times_of(client))
    assert len(client.post("/recommend", json={"user_id": "u-new"}).json()["items"]) == 10


def test_after_a_moment_ahead_events_are_dated_by_the_present(client, monkeypatch):
    assert post(client, None).status_code == 200
    set_clock(monkeypatch, YEAR_S)
    assert post(client, None, true_ns() / 1e9 + YEAR_S / 2).status_code in (200, 400)
    monkeypatch.undo()
    assert post(client, None).status_code == 200
    now = true_ns() / 1e9
    assert all(at <= now + 1 for at in times_of(client))
    assert all(event.known_at <= (now + 1) * 1e6 for event in client.runtime.log.read())


def test_a_far_future_is_still_refused_with_its_field(client):
    answer = post(client, true_ns() / 1e9 + 3600)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "events[0].timestamp")
