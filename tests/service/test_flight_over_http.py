"""Answers over HTTP leave records: they replay to the lists that were sent, and explain them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from starlette.testclient import TestClient

from models.flight.replay import replayed
from tests.service.conftest import ADDRESS
from tests.support.flown import some_users
from tests.support.late_requests import Delayed
from tests.support.small_release import release


def ask(client, **body) -> dict:
    answer = client.post("/recommend", json=body, headers={"X-Recops-Deadline-Ms": "60000"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_answer_replays_to_the_list_that_was_sent(made, shared):
    serving = shared.runtime.serving()
    ids = serving.recommender.catalogue.vocabulary.item_ids
    category = serving.recommender.catalogue.category_names[0]
    cases = [{"user_id": user_id} for user_id in some_users(made, 20)]
    cases += [{**case, "k": 3, "filter": {"category": [category]}} for case in cases[:5]]
    cases += [{**case, "k": 40, "include_seen": True, "exclude": ids[:20]} for case in cases[:5]]
    cases += [{"user_id": "x", "history": ids[3:9], "k": 100}]
    for case in cases:
        answer = ask(shared, **case)
        record = shared.runtime.flight.find(answer["request_id"])
        replay = replayed(record, serving.recommender)
        assert replay.same, case
        assert [ids[item] for item in record.candidates.items[replay.shown]] == [
            item["item_id"] for item in answer["items"]
        ]
        assert record.scores[replay.shown].tolist() == [item["score"] for item in answer["items"]]
        assert (record.user_id, record.k, record.release) == (case["user_id"], case.get("k", 10), "r1")
        assert set(record.stage_ms) == {"retrieve", "features", "rank", "rerank"}
        assert record.fallback == answer["fallback"]


def test_an_answer_that_had_no_time_for_the_ranker_replays_too(made, shared):
    user_id = some_users(made, 5)[2]
    late = TestClient(Delayed(shared.app), base_url=ADDRESS)
    listed = late.post("/recommend", json={"user_id": user_id}).json()
    record = shared.runtime.flight.find(listed["request_id"])
    assert record.left_out
    assert record.fallback == "deadline"
    assert replayed(record, shared.runtime.serving().recommender).same
    answer = explained(shared, listed["request_id"])
    assert answer["left_out"] == list(record.left_out)
    assert answer["items"][0]["base"] is None


def test_a_long_list_leaves_a_record_of_what_was_shown(shared):
    answer = ask(shared, user_id="nobody", k=120)
    record = shared.runtime.flight.find(answer["request_id"])
    ids = shared.runtime.serving().recommender.catalogue.vocabulary.item_ids
    assert [ids[item] for item in record.candidates.items] == [item["item_id"] for item in answer["items"]]
    popular = record.retrievers.index("popular")
    assert np.sort(record.candidates.ranks[:100, popular]).tolist()[:3] == [1, 2, 3]


def test_no_record_is_made_where_none_is_wanted(made, settings, start):
    release(made, settings, "r1")
    client = start(RECOPS_RECORD_SHARE="0")
    assert client.runtime.flight is None
    ask(client, user_id="u")
    assert not (settings.home / "flight").exists()


def test_records_are_counted(shared):
    ask(shared, user_id="someone")
    assert "recops_flight_records" in shared.get("/metrics").text


def explained(client, request_id: str) -> dict:
    answer = client.post("/explain", json={"request_id": request_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_answer_is_explained_by_sums_that_are_its_scores(made, shared):
    listed = ask(shared, user_id=some_users(made, 5)[2])
    answer = explained(shared, listed["request_id"])
    assert answer["same_list"] is True
    assert all(one["agrees"] for one in answer["retrievers"])
    assert answer["notes"] == []
    assert [one["item_id"] for one in answer["items"]] == [one["item_id"] for one in listed["items"]]
    for one in answer["items"]:
        total = one["base"] + sum(part["value"] for part in one["contributions"])
        assert total == pytest.approx(one["score"], abs=1e-5)
        assert one["moved"] == one["rank_by_score"] - one["rank"]
        assert sum(part["share"] for part in one["retrievers"]) == pytest.approx(1)
    assert any(one["because"] for one in answer["items"])


def test_an_answer_is_explained_as_of_what_was_known_when_it_was_given(made, client):
    user_id = some_users(made, 5)[1]
    ids = client.runtime.serving().recommender.catalogue.vocabulary.item_ids
    before = ask(client, user_id=user_id)
    chosen = before["items"][0]["item_id"]
    for item_id in (chosen, ids[5], ids[5]):
        client.post("/events", json={"events": [{"user_id": user_id, "item_id": item_id, "event": "click"}]})
    after = ask(client, user_id=user_id)
    assert chosen not in [item["item_id"] for item in after["items"]]
    for listed in (before, after):
        answer = explained(client, listed["request_id"])
        assert answer["same_list"] is True
        assert answer["notes"] == []
        assert all(one["agrees"] for one in answer["retrievers"]), answer["retrievers"]
    first = client.post("/why_not", json={"request_id": before["request_id"], "item_id": chosen}).json()
    assert (first["kind"], first["rank"]) == ("shown", 1)
    second = client.post("/why_not", json={"request_id": after["request_id"], "item_id": chosen}).json()
    assert (second["kind"], second["filters"]) == ("filtered", ["seen"])


def test_why_not_names_the_item_and_what_would_have_shown_it(made, shared):
    listed = ask(shared, user_id=some_users(made, 5)[2])
    record = shared.runtime.flight.find(listed["request_id"])
    vocabulary = shared.runtime.serving().recommender.catalogue.vocabulary
    fifteenth = int(record.candidates.items[np.argsort(-record.scores, kind="stable")[14]])
    body = {"request_id": listed["request_id"], "item_id": vocabulary.item_ids[fifteenth]}
    answer = shared.post("/why_not", json=body).json()
    assert (answer["kind"], answer["rank_by_score"]) == ("scored", 15)
    assert "scored number 15; 10 were shown" in answer["sentence"]
    assert answer["score"] < answer["least_score"]
    assert (answer["change"] is None) == answer["change_sentence"].startswith("No small change")


def test_what_is_not_there_is_404_with_the_field(shared):
    listed = ask(shared, user_id="u")
    for path, body, field in (
        ("/explain", {"request_id": "0" * 32}, "request_id"),
        ("/explain", {"request_id": "019ab0c4d5e67f8091a2b3c4d5e6f708"}, "request_id"),
        ("/why_not", {"request_id": "nothing", "item_id": "i"}, "request_id"),
        ("/why_not", {"request_id": listed["request_id"], "item_id": "no such item"}, "item_id"),
    ):
        answer = shared.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (404, field), answer.text


def test_explanations_need_an_operators_key(made, settings, start):
    release(made, settings, "r1")
    keys = {role: f"key of {role}" for role in ("client", "operator")}
    pairs = ",".join(f"{role}:{hashlib.sha256(key.encode()).hexdigest()}" for role, key in keys.items())
    client = start(RECOPS_API_KEYS=pairs)
    for path in ("/explain", "/why_not"):
        body = {"request_id": "0" * 32, **({"item_id": "i"} if path == "/why_not" else {})}
        statuses = [client.post(path, json=body, headers={"X-API-Key": key}).status_code for key in keys.values()]
        assert statuses == [403, 404]


def test_an_answer_of_an_earlier_release_is_explained_by_that_release(made, settings, start):
    release(made, settings, "r1")
    client = start()
    listed = ask(client, user_id=some_users(made, 5)[2])
    release(made, settings, "r2")
    client.runtime.live.refresh()
    assert ask(client, user_id="u")["release"] == "r2"
    answer = explained(client, listed["request_id"])
    assert (answer["release"], answer["same_list"]) == ("r1", True)


@pytest.mark.soak
def test_a_thousand_answers_under_events_replay_to_their_lists(made, client):
    users = some_users(made, 60)
    ids = client.runtime.serving().recommender.catalogue.vocabulary.item_ids
    random = np.random.default_rng(7)
    sent: dict[str, list[str]] = {}
    while len(sent) < 1000:
        user_id = users[int(random.integers(len(users)))]
        listed = ask(client, user_id=user_id, k=int(random.integers(1, 50)))
        sent[listed["request_id"]] = [item["item_id"] for item in listed["items"]]
        if len(sent) % 3 == 0:
            event = {"user_id": user_id, "item_id": ids[int(random.integers(len(ids)))], "event": "click"}
            client.post("/events", json={"events": [event]})
    client.runtime.flight.close()
    recommender, n_same = client.runtime.serving().recommender, 0
    for record in client.runtime.flight.folder.records():
        replay = replayed(record, recommender)
        n_same += replay.same
        assert [ids[item] for item in record.candidates.items[replay.shown]] == sent[record.request_id]
    assert n_same == 1000
