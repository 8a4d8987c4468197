"""A home that can be read and not written: answers hold every event, nothing is kept, one line of log."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from features.online.namespace import OnlineNamespace
from tests.support.small_release import release


def make_database_refuse(client) -> None:
    client.get("/history", params={"user_id": "opens the connection"})
    client.runtime.serving().sessions.namespace._store.provider.online_store._conn.execute("pragma query_only=1")


def make_locks_impossible(client) -> None:
    locks = client.runtime.settings.home / "online" / "r1_ns.locks"
    shutil.rmtree(locks, ignore_errors=True)
    locks.write_text("a file where a folder belongs")


def events_of(user: str) -> dict:
    kinds = [("b001", "click"), ("b002", "purchase"), ("b003", "not_recommend"), ("b001", "view")]
    return {"events": [{"user_id": user, "item_id": item, "event": kind, "timestamp": 1_750_000_000 + i}
                       for i, (item, kind) in enumerate(kinds)]}  # fmt: skip


@pytest.mark.parametrize("fault", [make_database_refuse, make_locks_impossible])
def test_answers_without_writing_are_those_of_a_home_that_can_be_written(
    made, settings, start, tmp_path, fault, caplog
):
    release(made, settings, "r1")
    good = start()
    users = [good.runtime.serving().users["user_id"][3], "u-new"]
    for user in users:
        good.post("/events", json=events_of(user))
    expected = [good.post("/recommend", json={"user_id": user, "k": 30}).json()["items"] for user in users]
    histories = [good.get("/history", params={"user_id": user}).json() for user in users]

    other = settings.model_copy(update={"home": tmp_path / "other"})
    release(made, other, "r1")
    with sqlite3.connect(settings.home / "events.db") as log, sqlite3.connect(other.home / "events.db") as copy:
        log.backup(copy)
    bad = start(RECOPS_HOME=str(other.home))
    assert bad.runtime.log.last_seq() == 8
    fault(bad)
    for _ in range(2):
        for user, items, history in zip(users, expected, histories, strict=True):
            answer = bad.post("/recommend", json={"user_id": user, "k": 30})
            assert answer.status_code == 200
            assert answer.json()["items"] == items
            assert bad.get("/history", params={"user_id": user}).json() == history
    stored = OnlineNamespace(other, "r1_ns").users(users)
    assert [state.last_seq for state in stored] == [0, 0]
    assert len([record for record in caplog.records if "not kept" in record.getMessage()]) <= 1
