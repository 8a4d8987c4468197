"""Clocks that are behind, leap ahead for a moment, or go back: what is dated, what is accepted, what is exported."""

from __future__ import annotations

import polars as pl
import pytest

from features.events.clock import SteadyClock
from features.events.event_log import EventLog, NewEvent
from features.events.shards import verify

SECOND = 1_000_000
DAY = 86_400 * SECOND
YEAR = 365 * DAY
NOW = 1_790_000_000 * SECOND


class Clock:
    """A wall clock that a test sets."""

    def __init__(self, at: int = NOW) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'events.db'}"


def click(at: int | None = None) -> NewEvent:
    return NewEvent("u", "i", "click", timestamp=at)


def test_a_jump_ahead_is_believed_when_it_has_lasted_and_a_jump_back_at_once():
    wall, passed = Clock(), Clock(0)
    steady = SteadyClock(wall, passed)
    assert steady() == NOW
    wall.at, passed.at = NOW + YEAR, SECOND
    assert steady() == NOW + SECOND
    wall.at, passed.at = NOW + YEAR + 599 * SECOND, 600 * SECOND
    assert steady() == NOW + 600 * SECOND
    wall.at, passed.at = NOW + YEAR + 600 * SECOND, 601 * SECOND
    assert steady() == NOW + YEAR + 600 * SECOND
    wall.at, passed.at = NOW + 602 * SECOND, 602 * SECOND
    assert steady() == NOW + 602 * SECOND
    wall.at, passed.at = NOW + 802 * SECOND, 603 * SECOND  # 199 s: clocks that are set right by a little
    assert steady() == NOW + 802 * SECOND


def test_a_moment_ahead_dates_nothing(url):
    wall = Clock()
    log = EventLog(url, now=wall)
    log.append([click()])
    wall.at = NOW + YEAR
    log.append([click(), click(NOW + YEAR)])
    wall.at = NOW + 10 * SECOND
    log.append([click()])
    events = log.read()
    assert max(event.timestamp for event in events) < NOW + 60 * SECOND
    assert max(event.known_at for event in events) < NOW + 60 * SECOND
    assert verify(log).faults == ()


def test_after_a_process_that_ran_ahead_the_log_returns_to_the_present_and_exports_no_future(url):
    EventLog(url, now=Clock(NOW)).append([click()])
    EventLog(url, now=Clock(NOW + YEAR)).append([click(), click(NOW + DAY)])
    log = EventLog(url, now=Clock(NOW + 10 * SECOND))
    log.append([click(), click(NOW + 5 * SECOND), click(NOW + YEAR)])
    events = log.read()
    assert [event.known_at - NOW for event in events] == [
        0,
        YEAR,
        YEAR + 1,
        10 * SECOND,
        10 * SECOND + 1,
        10 * SECOND + 2,
    ]
    assert [event.timestamp - NOW for event in events[3:]] == [10 * SECOND, 5 * SECOND, 10 * SECOND + 2]
    assert verify(log).faults == ()
    exported, through = log.to_interactions()
    assert through == 6
    known_at, timestamp = (exported[name].dt.epoch("us") - NOW for name in ("known_at", "timestamp"))
    assert known_at.to_list() == [0, 10 * SECOND, 10 * SECOND, 10 * SECOND, 10 * SECOND + 1, 10 * SECOND + 2]
    assert timestamp.to_list() == [0, 10 * SECOND, 10 * SECOND, 10 * SECOND, 5 * SECOND, 10 * SECOND + 2]


@pytest.mark.parametrize("behind", [3600 * SECOND, 400 * DAY, NOW])
def test_a_clock_that_is_behind_dates_by_the_newest_event_and_refuses_no_true_time(url, behind):
    for half_days in (3, 2, 1):
        EventLog(url, now=Clock(NOW - half_days * DAY // 2)).append([click()])
    wall = Clock(NOW)
    log = EventLog(url, now=wall)
    log.append([click()])
    restarted = EventLog(url, now=Clock(NOW - behind))
    assert restarted.last_seq() == 4
    assert restarted.latest() >= NOW + 3600 * SECOND  # an hour after the newest event
    restarted.append([click(), click(NOW + 60 * SECOND)])
    assert [event.known_at - NOW for event in restarted.read(4)] == [1, 2]
    assert [event.timestamp - NOW for event in restarted.read(4)] == [1, 2]
    wall.at = NOW - behind
    assert log.latest() >= NOW + 3600 * SECOND


def test_a_log_that_began_in_a_moment_ahead_returns_when_a_release_is_older_than_the_clock(url):
    wall = Clock(NOW + YEAR)
    log = EventLog(url, now=wall)
    log.append([click()])
    wall.at = NOW
    log.note_passed(NOW + DAY)  # then it is the clock that is behind
    log.append([click()])
    assert log.read(1)[0].known_at == NOW + YEAR + 1
    other = EventLog(url, now=wall)
    other.note_passed(NOW - DAY)
    other.append([click()])
    assert (other.read(2)[0].known_at, other.read(2)[0].timestamp) == (NOW, NOW)


def test_with_a_right_clock_times_more_than_five_minutes_ahead_are_too_late(url):
    log = EventLog(url, now=Clock(NOW))
    log.append([click()])
    assert NOW + 300 * SECOND <= log.latest() <= NOW + 360 * SECOND
    assert log.now() >= NOW


def test_the_instant_of_answers_is_not_before_the_newest_event(url):
    EventLog(url, now=Clock(NOW)).append([click()])
    log = EventLog(url, now=Clock(NOW - 3600 * SECOND))
    log.last_seq()
    assert NOW <= log.now() < NOW + 60 * SECOND
    ahead = EventLog(url, now=Clock(NOW - 2 * DAY))
    ahead.last_seq()
    assert ahead.now() == NOW - 2 * DAY


def test_export_of_a_sound_log_changes_no_instant(url):
    log = EventLog(url)
    log.append([click(), click(NOW - YEAR), click(NOW - DAY)])
    exported, _ = log.to_interactions()
    events = log.read()
    assert exported.select(pl.col("known_at").dt.epoch("us"))["known_at"].to_list() == [e.known_at for e in events]
    assert exported.select(pl.col("timestamp").dt.epoch("us"))["timestamp"].to_list() == [e.timestamp for e in events]
