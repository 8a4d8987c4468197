"""Learning between releases over HTTP: what one user does reaches another one's list, survives a restart, and leaves
with an erased user."""

from __future__ import annotations

import polars as pl
import pytest

from features.events.event_log import EventLog
from flows.forgetting.forget import forget
from flows.recorded.answer_replay import as_known, find_record, release_of, same_lists
from flows.releasing.learning.learning_base import write_learning
from models.data.tables import make_catalogue, make_log
from models.flight.recomputed import recomputed
from models.flight.records.flight_folder import FlightFolder
from models.learning.params import Params
from models.release.store import ReleaseStore
from tests.support.small_release import release
from tests.support.waiting import wait_for

MORE = 40


@pytest.fixture
def learning(made, settings):
    """The release r1, made with `learn.enabled`."""
    release(made, settings, "r1")
    log = make_log(made.world.history.with_columns(trust=pl.lit(1.0)), make_catalogue(made.catalogue).vocabulary)
    write_learning(made.bundle, ReleaseStore(settings.home).folder("r1"), log, Params(enabled=True, every_s=0.05))


def recommend(client, user: str = "nobody", k: int = 100, **more) -> dict:
    answer = client.post("/recommend", json={"user_id": user, "k": k, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def items(answer: dict) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def choose(client, user: str, item_id: str, times: int = 1) -> None:
    """Several people choose an item just after the release's data end, when what was popular still is."""
    at = client.runtime.live.current.release.data_until / 1e6 + 1
    events = [
        {"user_id": f"{user}{n}", "item_id": item_id, "event": "click", "timestamp": at + n} for n in range(times)
    ]
    assert client.post("/events", json={"events": events}).json()["accepted"] == times


def learned_through(client, position: int) -> None:
    assert wait_for(lambda: recommend(client, k=1)["learned_position"] == position, 90)


def least_popular(client) -> str:
    return items(recommend(client))[-1]


def test_what_others_choose_is_learned_without_a_training_and_a_restart_knows_it(learning, start):
    client = start()
    before = recommend(client)
    assert before["learned_position"] == 0
    item = items(before)[-1]
    choose(client, "fan", item, MORE)
    learned_through(client, MORE)
    after = recommend(client)
    assert items(after).index(item) < 3  # the most popular item by far
    told = client.get("/status").json()["learning"]
    assert told == {"position": MORE, "n_rows": MORE, "left_out": {}, "fault": None}
    other = start()  # another worker, or this one after a restart
    for query in ({"user": "nobody"}, {"user": "x", "history": items(before)[:2]}):
        assert recommend(other, **query)["items"] == recommend(client, **query)["items"]
    assert recommend(other)["learned_position"] == MORE


def test_pairs_are_learned_too(learning, made, start):
    client = start()
    first, second = made.catalogue["item_id"].to_list()[3:5]

    def knows() -> bool:
        similar = client.post("/similar", json={"item_id": first, "k": 3}).json()["items"]
        return second in [item["item_id"] for item in similar]

    assert not knows()
    for item in (first, second):
        choose(client, "pair", item, MORE)
    learned_through(client, 2 * MORE)
    assert knows()


def test_what_is_refused_sent_twice_unknown_or_no_choice_teaches_nothing(learning, start):
    client = start()
    before = recommend(client)
    item = items(before)[-1]
    at = client.runtime.live.current.release.data_until / 1e6
    event = {"user_id": "u", "item_id": item, "event": "click", "timestamp": at}
    assert (
        client.post("/events", json={"events": [event, {**event, "timestamp": "2999-01-01T00:00:00Z"}]}).status_code
        == 400
    )
    client.post("/events", json={"events": [{**event, "item_id": "no such item"}]})
    client.post("/events", json={"events": [{**event, "event": "impression"}] * 30})
    client.post("/events", json={"events": [{**event, "event_id": "once"}] * 20})
    learned_through(client, 32)  # the one that counts
    ranked = items(recommend(client))
    choose(client, "fan", item, MORE)
    learned_through(client, 32 + MORE)
    assert items(recommend(client)).index(item) < ranked.index(item)


def test_records_name_the_position_and_replay_as_of_it(learning, settings, start):
    client = start(RECOPS_RECORD_FEATURES="1000")
    item = least_popular(client)
    choose(client, "fan", item, 20)
    learned_through(client, 20)
    asked = {"user": "x", "history": items(recommend(client))[:2], "k": 10}
    request_id = recommend(client, **asked)["request_id"]
    choose(client, "fan", item, MORE)
    learned_through(client, 20 + MORE)
    explained = client.post("/explain", json={"request_id": request_id}).json()
    assert explained["same_list"] and all(one["agrees"] for one in explained["retrievers"]), explained["retrievers"]
    assert explained["learned_position"] == 20
    assert wait_for(lambda: FlightFolder(settings.home).find(request_id) is not None, 20)  # it is written behind
    record = find_record(settings, request_id)
    assert record.learned_position == 20
    log = EventLog(settings.events_url)
    with release_of(settings, "r1") as at_hand:
        known = as_known(record, at_hand, log)
        assert all(one.agrees for one in recomputed(known))
        known = as_known(record, at_hand, log)
        unlearned = [one.name for one in recomputed(type(known)(**{**vars(known), "recommender": at_hand.recommender}))]
        assert "popular" in unlearned
    assert same_lists(settings, [record]) == (1, [])
    log.close()


def test_an_erased_user_leaves_what_was_learned(learning, made, settings, start):
    client = start()
    before = recommend(client)
    item = items(before)[-1]
    choose(client, "fan", item, 4)
    learned_through(client, 4)
    raised = recommend(client)
    assert items(raised) != items(before)
    for n in range(4):
        forget(settings, [f"fan{n}"])
    learned_through(client, 0)  # no event counts any more
    assert recommend(client)["items"] == before["items"]
    user = made.world.history["user_id"][0]
    assert any("learned counts (what learning begins with): 1 erased" in line for line in forget(settings, [user]))
    assert wait_for(lambda: recommend(client)["items"] != before["items"], 20)
    assert recommend(start())["items"] == recommend(client)["items"]


def test_posted_items_and_learned_counts_go_together(learning, start):
    client = start()
    before = recommend(client)
    client.post("/items", json={"items": [{"item_id": "new", "title": "Something new"}]})
    assert wait_for(lambda: client.post("/similar", json={"item_id": "new"}).status_code == 200, 20)
    choose(client, "fan", "new", MORE)  # not in the release's vocabulary: it counts in no retriever
    item = items(before)[-1]
    choose(client, "other", item, MORE)
    learned_through(client, 2 * MORE)
    after = recommend(client, explain=True)
    assert items(after).index(item) < 3
    history = [items(before)[0], "new"]
    assert all(one["reason"] for one in recommend(client, "x", 10, history=history, explain=True)["items"])
    other = start()
    assert recommend(other, "x", history=history)["items"] == recommend(client, "x", history=history)["items"]


def test_a_release_made_without_learning_does_not_speak_of_it(client):
    answer = recommend(client)
    choose(client, "fan", items(answer)[-1], 3)
    after = recommend(client)
    assert "learned_position" not in {**answer, **after}
    assert client.runtime.live.current.growth.learning is None
    explained = client.post("/explain", json={"request_id": recommend(client, k=10)["request_id"]}).json()
    assert "learned_position" not in explained
    assert "learning" not in client.get("/status").json()


def test_a_base_that_cannot_be_read_is_said_and_stops_no_answer(learning, settings, start, caplog):
    (ReleaseStore(settings.home).folder("r1") / "learning" / "rows.safetensors").write_bytes(b"cut short")
    answer = recommend(start())
    assert answer["items"] and "learned_position" not in answer
    assert "this release learns nothing" in caplog.text
