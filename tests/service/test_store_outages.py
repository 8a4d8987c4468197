"""Stores that refuse, hang, come back or come back empty: one late answer at most, a sentence, and then all is well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import redis

from features.online.namespace import OnlineNamespace
from features.settings import Settings
from features.states.aggregates import USER_STATS
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


def history(client, user: str) -> Any:
    return client.get("/history", params={"user_id": user})


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
def test_without_redis_who_is_in_memory_is_answered_as_ever_and_others_as_newcomers(on_redis, own_redis, fault):
    warm, cold = on_redis.runtime.serving().users["user_id"][5, 7]
    before = ask(on_redis, warm).json()["items"]
    own_redis.kill() if fault == "refuses" else own_redis.hang()
    answers = [timed(lambda: ask(on_redis, warm)) for _ in range(5)]
    assert all(answer.json()["items"] == before for _, answer in answers)
    assert {answer.json()["fallback"] for _, answer in answers} == {None}
    first, answer = timed(lambda: ask(on_redis, cold))
    assert (answer.status_code, answer.json()["fallback"] in ("online_store", "deadline")) == (200, True)
    assert len(answer.json()["items"]) == 10
    assert wait_for(lambda: ask(on_redis, cold).json()["fallback"] == "online_store", seconds=15)
    later = [timed(lambda: ask(on_redis, cold)) for _ in range(5)]
    assert {answer.json()["fallback"] for _, answer in later} == {"online_store"}
    assert first < FIRST_S
    assert max(seconds for seconds, _ in answers + later) < NEXT_S
    answer = history(on_redis, cold)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert "the online store (Redis) does not answer" in answer.json()["error"]["message"]
    assert on_redis.post("/similar", json={"item_id": "b001"}).status_code == 200
    seconds, status = timed(lambda: on_redis.get("/status").json())
    assert seconds < FIRST_S
    assert "does not answer" in status["stores"]["online_store"]
    assert status["stores"]["event_log"] is None


def test_a_redis_that_goes_on_after_a_pause_is_used_again_with_every_event(on_redis, own_redis, settings):
    warm, cold = on_redis.runtime.serving().users["user_id"][5, 7]
    before = {
        user: on_redis.runtime.serving().users.row(by_predicate=pl.col("user_id") == user)[1] for user in (warm, cold)
    }
    assert history(on_redis, warm).json()["n_events"] == before[warm]
    own_redis.hang()
    events = [{"user_id": user, "item_id": "b001", "event": "click"} for user in (warm, cold)]
    assert on_redis.post("/events", json={"events": events}).status_code == 200
    assert history(on_redis, warm).json()["n_events"] == before[warm] + 1
    assert history(on_redis, cold).status_code == 503
    own_redis.go_on()
    assert wait_for(lambda: history(on_redis, cold).status_code == 200, seconds=15)
    assert history(on_redis, cold).json()["n_events"] == before[cold] + 1
    assert ask(on_redis, cold).json()["fallback"] is None
    assert wait_for(lambda: on_redis.get("/status").json()["stores"]["online_store"] is None, seconds=15)
    assert wait_for(lambda: on_redis.runtime.serving().sessions.flush(), seconds=15)
    (stored,) = OnlineNamespace(Settings(), "r1_ns").values(USER_STATS, [{"user_id": warm}], ("last_seq",))
    assert stored["last_seq"].int64_val == 1


@pytest.mark.parametrize("loss", ["flushed", "restarted without data"])
def test_a_redis_that_came_back_empty_gives_newcomers_lists_and_never_a_shorter_history(on_redis, own_redis, loss):
    warm, cold = on_redis.runtime.serving().users["user_id"][5, 7]
    events = [{"user_id": user, "item_id": "b001", "event": "click"} for user in (warm, cold)]
    assert on_redis.post("/events", json={"events": events}).status_code == 200
    before = history(on_redis, warm).json()
    assert before["n_events"] > 1
    if loss == "flushed":
        redis.Redis.from_url(own_redis.url).flushall()
    else:
        own_redis.kill()
        own_redis.start()
    assert wait_for(lambda: "is gone" in history(on_redis, cold).text, seconds=15)
    answer = history(on_redis, cold)
    assert (answer.status_code, "make a release again" in answer.json()["error"]["message"]) == (503, True)
    assert history(on_redis, warm).json() == before
    answer = ask(on_redis, cold)
    assert (answer.status_code, answer.json()["fallback"]) == (200, "online_store")
    assert "b001" not in [item["item_id"] for item in answer.json()["items"]]  # the log still answers
    assert "is gone" in on_redis.get("/status").json()["stores"]["online_store"]


def test_a_redis_that_was_filled_again_answers_again(on_redis, own_redis, made):
    cold = on_redis.runtime.serving().users["user_id"][7]
    redis.Redis.from_url(own_redis.url).flushall()
    assert ask(on_redis, cold).json()["fallback"] == "online_store"
    release(made, Settings(), "r2")
    assert wait_for(lambda: ask(on_redis, cold).json()["fallback"] is None, seconds=15)


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
def test_a_postgres_that_does_not_answer_costs_one_late_answer_and_then_only_the_new_events(on_postgres, wire, fault):
    user = on_postgres.runtime.serving().users["user_id"][0]
    assert ask(on_postgres, user).status_code == 200
    wire.cut() if fault == "refuses" else wire.silence()
    first, answer = timed(lambda: ask(on_postgres, user))
    assert (answer.status_code, answer.json()["fallback"]) == (200, "event_log")
    time.sleep(1)  # what waited for the log has given up
    later = [timed(lambda: ask(on_postgres, user)) for _ in range(10)]
    assert {(answer.status_code, answer.json()["fallback"]) for _, answer in later} == {(200, "event_log")}
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
