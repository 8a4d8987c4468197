"""Events over HTTP: durable, each once, whole batches, and the next answer reflects them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from features.events.event_log import EventLog
from features.events.shards import verify
from features.online.namespace import OnlineNamespace
from features.resilience.outages import StoreUnavailableError
from tests.support.small_release import release


def event(user="u-new", item="b001", kind="click", **more) -> dict:
    return {"user_id": user, "item_id": item, "event": kind, **more}


def post(client, *events):
    return client.post("/events", json={"events": list(events)})


def ids(client, user, **more) -> list[str]:
    return [item["item_id"] for item in client.post("/recommend", json={"user_id": user, **more}).json()["items"]]


def test_an_event_is_accepted_once_by_its_id(client, settings):
    assert post(client, event(event_id="a")).json() == {"accepted": 1, "duplicates": 0}
    assert post(client, event(event_id="a"), event(event_id="b")).json() == {"accepted": 1, "duplicates": 1}
    assert post(client).json() == {"accepted": 0, "duplicates": 0}
    assert [found.event_id for found in EventLog(settings.events_url).read()] == ["a", "b"]


def test_the_next_answer_reflects_an_event(client):
    before = client.post("/recommend", json={"user_id": "u-new", "k": 5}).json()
    assert before["fallback"] == "popular"
    chosen = before["items"][2]["item_id"]
    post(client, event(item=chosen, request_id=before["request_id"]))
    after = client.post("/recommend", json={"user_id": "u-new", "k": 5}).json()
    assert after["fallback"] is None
    assert chosen not in [item["item_id"] for item in after["items"]]
    assert [item["item_id"] for item in after["items"]] != [item["item_id"] for item in before["items"]]


def test_impressions_hide_nothing_and_dislikes_hide_without_being_liked(client):
    first = ids(client, "u-new")[0]
    post(client, event(item=first, kind="impression"))
    assert first in ids(client, "u-new")
    post(client, event(item=first, kind="not_recommend"))
    answer = client.post("/recommend", json={"user_id": "u-new"}).json()
    assert first not in [item["item_id"] for item in answer["items"]]
    assert answer["fallback"] == "popular"


def test_a_late_event_takes_its_place_in_the_history(client):
    post(client, event(item="b001", timestamp="2025-03-01T12:00:00Z"))
    post(client, event(item="b002", timestamp=1_730_000_000))
    history = client.get("/history", params={"user_id": "u-new"}).json()
    assert [item["item_id"] for item in history["items"]] == ["b001", "b002"]
    assert history["items"][0]["timestamp"] == "2025-03-01T12:00:00+00:00"
    assert history["n_events"] == 2
    assert not {"b001", "b002"} & set(ids(client, "u-new", k=100))


def test_an_event_of_an_unknown_item_is_kept_and_harms_nothing(client):
    assert post(client, event(item="from the future")).json()["accepted"] == 1
    assert len(ids(client, "u-new")) == 10
    assert client.get("/history", params={"user_id": "u-new"}).json()["items"][0]["title"] is None


def test_odd_characters_in_ids_go_through_unharmed(client):
    for user in ["ü/..?&=%2F", "a b\u2028c", "<script>alert(1)</script>", "'; drop table events; --", "😀"]:
        assert post(client, event(user=user, item="b001")).status_code == 200, user
        assert client.get("/history", params={"user_id": user}).json()["n_events"] == 1
        assert "b001" not in ids(client, user, k=100)


def test_another_worker_sees_the_event_at_once(made, settings, start):
    release(made, settings, "r1")
    one, two = start(), start()
    first = ids(two, "u-new")[0]
    post(one, event(item=first))
    assert first not in ids(two, "u-new")
    post(two, event(item=ids(two, "u-new")[0]))
    assert ids(one, "u-new") == ids(two, "u-new")


def test_events_survive_a_new_release_and_a_restart(client, made, settings, start):
    post(client, event(item="b001"))
    release(made, settings, "r2")
    deadline = time.monotonic() + 20
    while client.runtime.serving().release.release != "r2" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.get("/status").json()["release"] == "r2"
    assert "b001" not in ids(client, "u-new", k=100)
    assert "b001" not in ids(start(), "u-new", k=100)


def test_events_that_the_release_already_holds_are_not_counted_again(made, settings, start):
    log = EventLog(settings.events_url)
    from features.events.event_log import NewEvent

    log.append([NewEvent("u-new", "b001", "click")])
    release(made, settings, "r1", events_through=1)
    client = start()
    assert client.get("/status").json()["counts"]["events_since_release"] == 0
    assert client.get("/history", params={"user_id": "u-new"}).json()["n_events"] == 0
    post(client, event(item="b002"))
    assert client.get("/history", params={"user_id": "u-new"}).json()["n_events"] == 1


BAD_EVENTS = [
    ({"user_id": "u", "item_id": "i"}, "events[1].event"),
    ({"item_id": "i", "event": "click"}, "events[1].user_id"),
    ({"user_id": "u", "event": "click"}, "events[1].item_id"),
    (event(user=""), "events[1].user_id"),
    (event(user=7), "events[1].user_id"),
    (event(item="a\nb"), "events[1].item_id"),
    (event(kind=""), "events[1].event"),
    (event(value="five"), "events[1].value"),
    (event(event_id=""), "events[1].event_id"),
    (event(timestamp="yesterday"), "events[1].timestamp"),
    (event(timestamp="2026-01-01T00:00:00"), "events[1].timestamp"),
    (event(timestamp="2999-01-01T00:00:00Z"), "events[1].timestamp"),
    (event(timestamp="0001-01-01T00:00:00+14:00"), "events[1].timestamp"),
    (event(timestamp=-5), "events[1].timestamp"),
    (event(timestamp=1_700_000_000_000), "events[1].timestamp"),
    (event(timestamp=1e300), "events[1].timestamp"),
    (event(timestamp=True), "events[1].timestamp"),
    (event(timestamp=[1]), "events[1].timestamp"),
    (event(wrong=1), "events[1].wrong"),
    ("text", "events[1]"),
    (None, "events[1]"),
]


@pytest.mark.parametrize(("bad", "field"), BAD_EVENTS, ids=range(len(BAD_EVENTS)))
def test_one_bad_event_refuses_the_whole_batch_and_names_its_place(shared, bad, field):
    before = shared.runtime.log.last_seq()
    answer = post(shared, event(event_id="good"), bad, event())
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == field, answer.text
    assert field in answer.json()["error"]["message"]
    assert shared.runtime.log.last_seq() == before


def test_concurrent_batches_are_each_answered_with_their_own_counts(client, settings):
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: post(client, event(event_id=f"same-{n % 10}"), event(user=f"w{n}")).json(), range(60))
        )
    assert sum(answer["accepted"] for answer in answers) == 10 + 60
    assert sum(answer["duplicates"] for answer in answers) == 50
    assert verify(EventLog(settings.events_url)).faults == ()


def test_when_the_event_log_is_gone_events_are_503_and_answers_go_on(client, monkeypatch):
    from features.events.database import DatabaseError

    def fail(*_args, **_more):
        raise DatabaseError("gone")

    monkeypatch.setattr(client.runtime.log.database, "transaction", fail)
    answer = post(client, event())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert len(ids(client, "u-new")) == 10


def test_when_the_online_store_is_gone_a_user_who_is_not_in_memory_is_answered_as_a_newcomer(client, monkeypatch):
    def fail(*_args, **_more):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(OnlineNamespace, "history", fail)
    answer = client.post("/recommend", json={"user_id": "u"})
    assert (answer.status_code, answer.json()["fallback"]) == (200, "online_store")
    assert len(answer.json()["items"]) == 10
    assert client.get("/history", params={"user_id": "u"}).status_code == 503
    assert client.post("/similar", json={"item_id": "b001"}).status_code == 200


def test_with_postgres_and_redis_the_next_answer_reflects_the_event(
    made, settings, start, postgres_url, redis_url, monkeypatch
):
    import uuid

    from features.settings import Settings

    monkeypatch.setenv("RECOPS_DATABASE_URL", postgres_url)
    monkeypatch.setenv("RECOPS_ONLINE_STORE", redis_url)
    name = f"t{uuid.uuid4().hex[:8]}"
    found = release(made, Settings(), name)
    try:
        one, two = start(), start()
        user = one.runtime.serving().users["user_id"][3]
        assert client_lists_agree(one, two, user)
        first = ids(one, user)[0]
        assert post(one, event(user=user, item=first, event_id="a")).json() == {"accepted": 1, "duplicates": 0}
        assert post(two, event(user=user, item=first, event_id="a")).json() == {"accepted": 0, "duplicates": 1}
        assert first not in ids(two, user)
        assert client_lists_agree(one, two, user)
    finally:
        OnlineNamespace(Settings(), found.namespace).drop()


def client_lists_agree(one, two, user) -> bool:
    return ids(one, user) == ids(two, user)
