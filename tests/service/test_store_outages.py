"""Stores that refuse, hang, come back or come back empty: one late answer at most, a sentence, and then all is well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from features.settings import Settings
from tests.support.faulty import OwnRedis, Wire
from tests.support.small_release import release
from tests.support.waiting import wait_for

FIRST_S, NEXT_S = 2.0, 0.3


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    made = Wire(postgres_url)
    yield made
    made.cut()


@pytest.fixture
def on_redis(made, settings, own_redis, start, monkeypatch) -> Any:
    monkeypatch.setenv("RECOPS_ONLINE_STORE", own_redis.url)
    release(made, Settings(), "r1")
    return start()


@pytest.fixture
def on_postgres(made, settings, wire, start, monkeypatch) -> Any:
    monkeypatch.setenv("RECOPS_DATABASE_URL", wire.url)
    release(made, Settings(), "r1")
    return start()


def ask(client, user: str = "u-new") -> Any:
    return client.post("/recommend", json={"user_id": user})


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.monotonic()
    answer = work()
    return time.monotonic() - started, answer


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
def test_a_redis_that_does_not_answer_costs_one_late_answer_and_a_sentence(on_redis, own_redis, fault):
    user = on_redis.runtime.serving().users["user_id"][0]
    assert ask(on_redis, user).status_code == 200
    own_redis.kill() if fault == "refuses" else own_redis.hang()
    first, answer = timed(lambda: ask(on_redis, user))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert "the online store (Redis) does not answer" in answer.json()["error"]["message"]
    later = [timed(lambda: ask(on_redis, user)) for _ in range(10)]
    assert {answer.status_code for _, answer in later} == {503}
    assert first < FIRST_S
    assert max(seconds for seconds, _ in later) < NEXT_S
    assert on_redis.post("/similar", json={"item_id": "b001"}).status_code == 200
    seconds, status = timed(lambda: on_redis.get("/status").json())
    assert seconds < NEXT_S
    assert "does not answer" in status["stores"]["online_store"]
    assert status["stores"]["event_log"] is None


def test_a_redis_that_goes_on_after_a_pause_is_used_again_with_every_event(on_redis, own_redis):
    user = on_redis.runtime.serving().users["user_id"][0]
    before = on_redis.get("/history", params={"user_id": user}).json()["n_events"]
    own_redis.hang()
    assert ask(on_redis, user).status_code == 503
    event = {"user_id": user, "item_id": "b001", "event": "click"}
    assert on_redis.post("/events", json={"events": [event]}).status_code == 200
    own_redis.go_on()
    assert wait_for(lambda: ask(on_redis, user).status_code == 200, seconds=15)
    assert on_redis.get("/history", params={"user_id": user}).json()["n_events"] == before + 1
    assert on_redis.get("/status").json()["stores"]["online_store"] is None


@pytest.mark.parametrize("loss", ["flushed", "restarted without data"])
def test_a_redis_that_came_back_empty_is_503_and_never_a_shorter_history(on_redis, own_redis, loss):
    user = on_redis.runtime.serving().users["user_id"][0]
    events = [{"user_id": user, "item_id": "b001", "event": "click"}]
    assert on_redis.post("/events", json={"events": events}).status_code == 200
    assert on_redis.get("/history", params={"user_id": user}).json()["n_events"] > 1
    if loss == "flushed":
        redis.Redis.from_url(own_redis.url).flushall()
    else:
        own_redis.kill()
        own_redis.start()
    assert wait_for(lambda: "is gone" in on_redis.get("/history", params={"user_id": user}).text, seconds=15)
    for answer in (on_redis.get("/history", params={"user_id": user}), ask(on_redis, user), ask(on_redis)):
        assert answer.status_code == 503
        assert "make a release again" in answer.json()["error"]["message"]
    assert "is gone" in on_redis.get("/status").json()["stores"]["online_store"]


def test_a_redis_that_was_filled_again_answers_again(on_redis, own_redis, made):
    user = on_redis.runtime.serving().users["user_id"][0]
    before = ask(on_redis, user).json()["items"]
    redis.Redis.from_url(own_redis.url).flushall()
    assert ask(on_redis, user).status_code == 503
    release(made, Settings(), "r2")
    assert wait_for(lambda: ask(on_redis, user).status_code == 200, seconds=15)
    assert ask(on_redis, user).json()["items"] == before


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
def test_a_postgres_that_does_not_answer_costs_one_late_answer_and_then_only_the_new_events(on_postgres, wire, fault):
    user = on_postgres.runtime.serving().users["user_id"][0]
    assert ask(on_postgres, user).status_code == 200
    wire.cut() if fault == "refuses" else wire.silence()
    first, answer = timed(lambda: ask(on_postgres, user))
    assert answer.status_code == 200
    later = [timed(lambda: ask(on_postgres, user)) for _ in range(10)]
    assert {answer.status_code for _, answer in later} == {200}
    assert first < FIRST_S
    assert max(seconds for seconds, _ in later) < NEXT_S
    event = {"user_id": user, "item_id": "b001", "event": "click"}
    seconds, answer = timed(lambda: on_postgres.post("/events", json={"events": [event]}))
    assert (answer.status_code, seconds < NEXT_S) == (503, True)
    seconds, answer = timed(lambda: on_postgres.get("/users", params={"q": "zz"}))
    assert (answer.status_code, seconds < NEXT_S) == (503, True)
    assert "event log" in answer.json()["error"]["message"]
    assert "does not answer" in on_postgres.get("/status").json()["stores"]["event_log"]
    wire.mend() if fault == "refuses" else wire.speak()
    assert wait_for(lambda: on_postgres.post("/events", json={"events": [event]}).status_code == 200, seconds=15)
    assert "b001" not in [item["item_id"] for item in ask(on_postgres, user).json()["items"]]


def test_a_value_that_postgres_cannot_hold_is_the_senders_fault_and_blinds_nobody(on_postgres):
    event = {"user_id": "u-new", "item_id": "b001", "event": "click"}
    for path, name in (("/history", "user_id"), ("/users", "q")):
        answer = on_postgres.get(path, params={name: "a\0b"})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, name)
        assert on_postgres.post("/events", json={"events": [event]}).status_code == 200
        history = on_postgres.get("/history", params={"user_id": "u-new"}).json()
        assert history["items"][0]["item_id"] == "b001"
    assert history["n_events"] == 2
