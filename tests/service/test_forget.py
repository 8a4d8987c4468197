"""`recops forget`: nothing that the live half keeps names the user any more, and everybody else's lists stay."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

import polars as pl
import psycopg
import pytest

from features.events import shards
from features.events.event_log import EventLog, NewEvent
from features.online.namespace import OnlineNamespace
from features.settings import Settings
from features.streams.dead_letters import DeadLetters
from features.streams.intake import Refusal
from flows.forgetting.forget import forget
from services.recorder.impressions import Impression, ImpressionLog
from tests.support.flown import some_users
from tests.support.small_release import release

NO_HURRY = {"X-Recops-Deadline-Ms": "60000"}


def names(home: Path, user_id: str) -> set[str]:
    """Files below a home that hold an id, databases and parquet files by their content."""
    holding = set()
    for path in home.rglob("*"):
        if not path.is_file() or "bundle" in path.parts:
            continue
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            if "user_id" in frame.columns and (frame["user_id"] == user_id).any():
                holding.add(path.name)
        elif path.suffix != ".arrows" and user_id.encode() in path.read_bytes():
            holding.add(path.name)
    return holding


def test_an_erased_user_is_in_no_store_and_their_records_are_404(made, settings, client):
    user_id, other = some_users(made, 6)[1:3]
    ids = client.runtime.serving().recommender.catalogue.vocabulary.item_ids

    def ask(of: str) -> dict:
        return client.post("/recommend", json={"user_id": of}, headers=NO_HURRY).json()

    client.post(
        "/events",
        json={"events": [{"user_id": who, "item_id": ids[4], "event": "click"} for who in (user_id, other)]},
    )
    theirs, others = ask(user_id), ask(other)
    day = ImpressionLog(settings.home / "impressions")
    for who in (user_id, other):
        day.write(Impression("r", "2026-01-01T00:00:00+00:00", who, "r1", None, ids[:2], [1.0, 1.0]))
    log = EventLog(settings.events_url)
    DeadLetters(log.database).add("stream", [Refusal("1", "bad", None, b'{"user_id": "x"}', user_id)], 1)
    shards.compact(log, settings.event_shards)
    client.runtime.serving().sessions.flush()

    lines = forget(settings, [user_id])
    assert len(lines) == 11
    client.runtime._erasures.apply()
    assert client.post("/explain", json={"request_id": theirs["request_id"]}).status_code == 404
    assert client.post("/explain", json={"request_id": others["request_id"]}).status_code == 200
    assert client.get("/history", params={"user_id": user_id}).json()["n_events"] == 0
    assert client.get("/history", params={"user_id": other}).json()["n_events"] > 0
    assert ask(user_id)["fallback"] is not None  # a newcomer
    assert [item["item_id"] for item in ask(other)["items"]] == [item["item_id"] for item in others["items"]]
    client.runtime.flight.close()
    forget(settings, [user_id])
    assert names(settings.home, user_id) == set()
    assert names(settings.home, other) != set()
    with closing(sqlite3.connect(settings.home / "events.db")) as connection:
        assert connection.execute("select count(*) from events").fetchone() == (2,)
    assert shards.verify(log, settings.event_shards).faults == ()


def test_a_user_who_is_erased_while_being_read_does_not_stay_in_memory(made, client, monkeypatch):
    user_id, other = some_users(made, 6)[1:3]
    sessions = client.runtime.serving().sessions
    read, began, go = sessions._loader.read, threading.Event(), threading.Event()

    def slow(user: str, most: int | None) -> object:
        loaded = read(user, most)
        began.set()
        assert go.wait(10)
        return loaded

    monkeypatch.setattr(sessions._loader, "read", slow)
    reading = threading.Thread(target=sessions.session, args=(user_id,))
    reading.start()
    assert began.wait(10) and user_id in sessions.users_in_memory()
    sessions.forget(user_id)
    go.set()
    reading.join(10)
    assert user_id not in sessions.users_in_memory()
    sessions.session(other)
    assert other in sessions.users_in_memory()


def test_erased_events_stay_in_their_place_as_those_of_strangers(tmp_path):
    log, folder = EventLog(f"sqlite:///{tmp_path / 'events.db'}"), tmp_path / "events"
    log.append([NewEvent(user, f"i{n}", "click", event_id=f"event-{n}") for n, user in enumerate(["u", "v", "u", "w"])])
    shards.compact(log, folder)
    shards.retire(log, folder, known_before=time.time_ns(), through_seq=2)
    from features.events.erase_events import erase_user

    assert erase_user(log, folder, "u") == 2
    rows = shards.frame(log, folder)
    assert rows["user_id"].to_list() == ["erased-1", "v", "erased-3", "w"]
    assert rows["item_id"].to_list() == ["i0", "i1", "i2", "i3"]
    assert shards.verify(log, folder).faults == ()
    assert erase_user(log, folder, "u") == 0
    assert b"event-0" not in (tmp_path / "events.db").read_bytes()


def test_a_user_is_erased_from_redis_and_postgresql_and_the_others_stay(
    made, settings, redis_url, postgres_url, monkeypatch
):
    monkeypatch.setenv("RECOPS_ONLINE_STORE", redis_url)
    monkeypatch.setenv("RECOPS_DATABASE_URL", postgres_url)
    settings = Settings()
    release(made, settings, name := f"r{uuid.uuid4().hex[:8]}")
    user_id, other = some_users(made, 6)[1:3]
    with closing(EventLog(postgres_url)) as log, closing(OnlineNamespace(settings, f"{name}_ns")) as namespace:
        try:
            log.append([NewEvent(user, "i1", "click", event_id=f"of {user}") for user in (user_id, other)])
            before = namespace.users([other])[0].item_ids
            assert before and namespace.users([user_id])[0].item_ids
            forget(settings, [user_id])
            erased, kept = namespace.users([user_id, other])
            assert (erased.item_ids, kept.item_ids) == ([], before)
            assert log.of_user(user_id) == [] and len(log.of_user(other)) == 1
            with psycopg.connect(postgres_url) as connection:
                rows = connection.execute("select events::text from events").fetchall()
            assert sorted((user_id in text, other in text) for (text,) in rows) == [(False, False), (False, True)]
        finally:
            namespace.drop()


@pytest.mark.parametrize("user_id", ["nobody", "u'); drop table events; --"])
def test_a_user_of_whom_nothing_is_kept_is_no_error(settings, user_id):
    assert all("nothing erased" in line for line in forget(settings, [user_id]) if not line.startswith("flight"))
