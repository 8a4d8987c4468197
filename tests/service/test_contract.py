"""The HTTP contract, row by row, on the service in this process."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.access.keys import ADMIN_HEADER
from tests.support.small_release import offline_lists, release

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module", params=["plain", "bento"])
def door(request) -> str:
    """Everything here holds for BentoML's methods too."""
    return request.param


def user_of(client, place: int = 3) -> str:
    return client.runtime.serving().users["user_id"][place]


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_recommend_answers_as_the_contract_says(client):
    user = user_of(client)
    answer = client.post("/recommend", json={"user_id": user, "k": 5, "explain": True})
    body = answer.json()
    assert set(body) == {"request_id", "release", "user_id", "items", "fallback", "took_ms"}
    assert (body["release"], body["user_id"], body["fallback"]) == ("r1", user, None)
    assert [item["rank"] for item in body["items"]] == [1, 2, 3, 4, 5]
    for item in body["items"]:
        assert set(item) == {"item_id", "title", "rank", "score", "sources", "reason"}
        assert item["title"]
        assert item["reason"]
        assert item["sources"]
        assert set(item["sources"]) <= {"ease", "item_knn", "popular", "text"}
    assert len(set(ids(answer))) == 5
    plain = client.post("/recommend", json={"user_id": user}).json()
    assert len(plain["items"]) == 10
    assert "reason" not in plain["items"][0]
    assert plain["request_id"] != body["request_id"]


def test_a_reason_names_what_the_user_really_did(client):
    user = user_of(client)
    titles = {item["title"] for item in client.get("/history", params={"user_id": user}).json()["items"]}
    answer = client.post("/recommend", json={"user_id": user, "k": 20, "explain": True}).json()
    told = [item["reason"] for item in answer["items"] if item["reason"].startswith("Because of")]
    assert told
    for reason in told:
        assert any(f"“{title}”" in reason for title in titles), reason


def test_the_service_as_of_the_cut_gives_the_lists_of_the_bundle_offline(made, settings, start):
    release(made, settings, "r1", live=False)
    at = datetime.fromtimestamp(made.at / 1e6, UTC).isoformat()
    client = start(RECOPS_AT=at, RECOPS_RELEASE="r1")
    users = client.runtime.serving().users["user_id"].head(40).to_list() + ["nobody"]
    expected = offline_lists(made, users, 10)
    found = {user: ids(client.post("/recommend", json={"user_id": user, "k": 10})) for user in users}
    assert found == expected
    refused = client.post("/events", json={"events": [{"user_id": "u", "item_id": "i", "event": "click"}]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "read_only")


def test_a_release_can_be_served_from_its_folder(made, settings, start, tmp_path):
    from models.release.store import ReleaseStore

    release(made, settings, "r1", live=False)
    folder = ReleaseStore(settings.home).folder("r1")
    client = start(RECOPS_RELEASE=str(folder))
    assert client.runtime.serving().release.namespace == "r1_ns"
    assert len(ids(client.post("/recommend", json={"user_id": "x"}))) == 10


def test_an_unknown_user_gets_the_popular_answer_and_it_is_named(client):
    body = client.post("/recommend", json={"user_id": "never seen"}).json()
    assert body["fallback"] == "popular"
    assert len(body["items"]) == 10
    assert all(item["sources"] == ["popular"] for item in body["items"])


def test_seen_items_are_left_out_unless_asked_for(client):
    user = user_of(client)
    seen = {item["item_id"] for item in client.get("/history", params={"user_id": user}).json()["items"]}
    assert seen
    assert not seen & set(ids(client.post("/recommend", json={"user_id": user, "k": 100})))
    assert seen & set(ids(client.post("/recommend", json={"user_id": user, "k": 100, "include_seen": True})))


def test_a_given_history_takes_the_place_of_the_known_one_and_unknown_items_are_ignored(client):
    user = user_of(client)
    items = client.runtime.serving().recommender.catalogue.vocabulary.item_ids
    mine = client.post("/recommend", json={"user_id": user, "history": [items[0], "no such item"]})
    same = client.post("/recommend", json={"user_id": "another", "history": [items[0]]}).json()
    assert items[0] not in ids(mine)
    assert mine.json()["fallback"] is None
    assert {item["item_id"] for item in same["items"]} & set(ids(mine))
    assert client.post("/recommend", json={"user_id": user, "history": []}).json()["fallback"] == "popular"
    assert client.post("/recommend", json={"user_id": user, "history": ["no such item"]}).json()["fallback"]


def test_exclusions_and_filters_hold(client):
    user = user_of(client)
    catalogue = client.runtime.serving().recommender.catalogue
    first = ids(client.post("/recommend", json={"user_id": user}))
    without = ids(client.post("/recommend", json={"user_id": user, "exclude": [first[0], "no such item"]}))
    assert first[0] not in without
    category = catalogue.category_names[0]
    limit = 12.0
    answer = client.post(
        "/recommend", json={"user_id": user, "k": 50, "filter": {"category": [category], "price_max": limit}}
    )
    found = ids(answer)
    assert found
    for item in found:
        place = catalogue.vocabulary.position(item)
        assert catalogue.category_names[catalogue.categories[place]] == category
        assert catalogue.prices[place] <= limit
    assert "warnings" not in answer.json()


def test_a_filter_value_that_the_release_does_not_know_is_told(client):
    (category, *_) = client.runtime.serving().recommender.catalogue.category_names
    names = {"category": ["no such category", category, "nor this"]}
    some = client.post("/recommend", json={"user_id": "u", "filter": names})
    assert ids(some) == ids(client.post("/recommend", json={"user_id": "u", "filter": {"category": [category]}}))
    assert some.json()["warnings"] == [
        "filter.category: 'no such category' is no category of release r1",
        "filter.category: 'nor this' is no category of release r1",
    ]
    nothing = client.post("/recommend", json={"user_id": "u", "filter": {"category": ["no such category"]}})
    assert (ids(nothing), len(nothing.json()["warnings"])) == ([], 1)


def test_a_longer_list_begins_with_the_shorter_one(client):
    user, items = user_of(client), client.runtime.serving().recommender.catalogue.vocabulary.item_ids
    for path, body in (
        ("/recommend", {"user_id": user}),
        ("/recommend", {"user_id": "x"}),
        ("/similar", {"item_id": items[3]}),
    ):
        lists = [ids(client.post(path, json=body | {"k": k})) for k in (10, 99, 100, 101, 140, 200, 500)]
        for shorter, longer in zip(lists, lists[1:], strict=False):
            assert longer[: len(shorter)] == shorter, (path, len(shorter))
        assert len(set(lists[-1])) == len(lists[-1]) > 100


@pytest.mark.parametrize("refusal", ["not_recommend", "dislike", "cancel"])
def test_what_was_refused_stays_out_whatever_is_asked_for(client, refusal):
    user = user_of(client)
    everything = {"user_id": user, "k": 100, "include_seen": True}
    first, second, *_ = ids(client.post("/recommend", json=everything))
    answers = [
        {"user_id": user, "item_id": first, "event": refusal},
        {"user_id": user, "item_id": second, "event": "view"},
    ]
    assert client.post("/events", json={"events": answers}).status_code == 200
    assert first not in ids(client.post("/recommend", json=everything))
    assert first not in ids(client.post("/recommend", json=everything | {"history": [second]}))
    assert second in ids(client.post("/recommend", json=everything))
    again = {"user_id": user, "item_id": first, "event": "click"}
    assert client.post("/events", json={"events": [again]}).status_code == 200
    assert first in ids(client.post("/recommend", json=everything))


def test_k_goes_from_1_to_500_and_a_scenario_is_accepted(client):
    assert len(ids(client.post("/recommend", json={"user_id": "u", "k": 1, "scenario": "home"}))) == 1
    assert 100 < len(ids(client.post("/recommend", json={"user_id": "u", "k": 500}))) <= 150


def test_similar_items_are_others_best_first(client):
    item = client.runtime.serving().recommender.catalogue.vocabulary.item_ids[7]
    body = client.post("/similar", json={"item_id": item, "k": 4}).json()
    assert set(body) == {"item_id", "items", "release"}
    assert body["item_id"] == item
    assert [found["rank"] for found in body["items"]] == [1, 2, 3, 4]
    assert set(body["items"][0]) == {"item_id", "title", "rank", "score"}
    assert item not in {found["item_id"] for found in body["items"]}
    scores = [found["score"] for found in body["items"]]
    assert scores == sorted(scores, reverse=True)


def test_an_unknown_item_is_404_where_it_is_asked_for(client):
    answer = client.post("/similar", json={"item_id": "no such item"})
    assert answer.status_code == 404
    assert answer.json()["error"]["field"] == "item_id"


def test_releases_and_status_tell_what_is_live(client, made, settings):
    release(made, settings, "r2")
    body = client.get("/releases").json()
    assert body["live"] == "r2"
    assert [span["release"] for span in body["releases"]] == ["r1", "r2"]
    first, second = body["releases"]
    assert first["live_to"] == second["live_from"]
    assert second["live_to"] is None
    assert {"release", "bundle_hash", "created_at", "live_from", "live_to", "metrics"} <= set(first)
    assert first["metrics"] == {"ndcg@10": 0.123}
    status = client.get("/status").json()
    assert status["counts"]["items"] == 150
    assert status["data_age_days"] > 0
    assert {"recops", "bentoml", "feast"} <= set(status["versions"])


def test_users_are_found_by_the_beginning_of_their_id(client):
    client.post("/events", json={"events": [{"user_id": "zoë/1", "item_id": "b001", "event": "click"}]})
    assert client.get("/users", params={"q": "zoë"}).json() == {"users": ["zoë/1"]}
    assert client.get("/users", params={"q": "%"}).json() == {"users": []}
    assert len(client.get("/users", params={"limit": 5}).json()["users"]) == 5
    assert client.get("/users", params={"limit": "many"}).json()["error"]["field"] == "limit"
    assert client.get("/history").json()["error"]["field"] == "user_id"


def test_before_the_first_release_the_service_says_that_it_is_not_ready(settings, start):
    answer = start().post("/recommend", json={"user_id": "u"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "not_ready"


BAD = [
    ("/recommend", "", "malformed", None),
    ("/recommend", "{", "malformed", None),
    ("/recommend", "\xff", "malformed", None),
    ("/recommend", "[" * 100_000, None, None),
    ("/recommend", "[]", "invalid", None),
    ("/recommend", "null", "invalid", None),
    ("/recommend", "{}", "invalid", "user_id"),
    ("/recommend", '{"user_id": 5}', "invalid", "user_id"),
    ("/recommend", '{"user_id": null}', "invalid", "user_id"),
    ("/recommend", '{"user_id": ""}', "invalid", "user_id"),
    ("/recommend", '{"user_id": "a\\u0000"}', "invalid", "user_id"),
    ("/recommend", '{"user_id": "\\ud800"}', None, None),
    ("/recommend", '{"user_id": "' + "x" * 600 + '"}', "invalid", "user_id"),
    ("/recommend", '{"user_id": "u", "k": 0}', "invalid", "k"),
    ("/recommend", '{"user_id": "u", "k": 501}', "invalid", "k"),
    ("/recommend", '{"user_id": "u", "k": -1}', "invalid", "k"),
    ("/recommend", '{"user_id": "u", "k": "10"}', "invalid", "k"),
    ("/recommend", '{"user_id": "u", "k": true}', "invalid", "k"),
    ("/recommend", '{"user_id": "u", "k": 1.5}', "invalid", "k"),
    ("/recommend", '{"user_id": "u", "k": 1e400}', None, None),
    ("/recommend", '{"user_id": "u", "k": NaN}', "malformed", None),
    ("/recommend", '{"user_id": "u", "history": "i"}', "invalid", "history"),
    ("/recommend", '{"user_id": "u", "history": [1]}', "invalid", "history[0]"),
    ("/recommend", '{"user_id": "u", "exclude": [null]}', "invalid", "exclude[0]"),
    ("/recommend", '{"user_id": "u", "filter": []}', "invalid", "filter"),
    ("/recommend", '{"user_id": "u", "filter": {"category": "x"}}', "invalid", "filter.category"),
    ("/recommend", '{"user_id": "u", "filter": {"price_max": -1}}', "invalid", "filter.price_max"),
    ("/recommend", '{"user_id": "u", "filter": {"color": 1}}', "invalid", "filter.color"),
    ("/recommend", '{"user_id": "u", "explain": "yes"}', "invalid", "explain"),
    ("/recommend", '{"user_id": "u", "kk": 3}', "invalid", "kk"),
    ("/similar", "{}", "invalid", "item_id"),
    ("/similar", '{"item_id": "b001", "k": 0}', "invalid", "k"),
    ("/events", "{}", "invalid", "events"),
    ("/events", '{"events": {}}', "invalid", "events"),
]


@pytest.mark.parametrize(("path", "body", "code", "field"), BAD, ids=range(len(BAD)))
def test_bad_requests_are_400_and_name_the_field(shared, path, body, code, field):
    answer = shared.post(path, content=body.encode("latin-1"), headers=JSON)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "field"}
    assert error["message"]
    if code is not None:
        assert (error["code"], error["field"]) == (code, field)


def test_unknown_routes_and_methods_have_the_error_body(shared):
    for method, path, status, code in [
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/chatter", 404, "not_found"),
        ("GET", "/console/../keys.py", 404, "not_found"),
        ("GET", "/console/secrets", 404, "not_found"),
        ("GET", "/recommend", 405, "method_not_allowed"),
        ("PUT", "/events", 405, "method_not_allowed"),
        ("DELETE", "/events", 405, "method_not_allowed"),
        ("GET", "/status/", 404, "not_found"),
        ("GET", "/static_content/index.css", 404, "not_found"),  # a page that BentoML serves beside ours
    ]:
        answer = shared.request(method, path, headers={ADMIN_HEADER: "1"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), path


def test_a_failure_of_ours_is_500_with_the_error_body(client, monkeypatch):
    monkeypatch.setattr(type(client.runtime.serving().online), "recommend", lambda *_: 1 / 0)
    answer = client.post("/recommend", json={"user_id": "u"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "ZeroDivision" not in answer.text


def test_bodies_above_the_limit_are_413_with_and_without_a_declared_length(shared):
    large = b'{"user_id": "' + b"x" * (4 << 20) + b'"}'
    assert shared.post("/recommend", content=large, headers=JSON).status_code == 413
    parts = (large[at : at + 65536] for at in range(0, len(large), 65536))
    answer = shared.post("/recommend", content=parts, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_the_page_and_its_files_come_from_here_alone(shared):
    page = shared.get("/")
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name, kind in (("console.css", "text/css"), ("console.js", "text/javascript")):
        assert f"console/{name}" in page.text
        assert kind in shared.get(f"/console/{name}").headers["content-type"]
    for text in (page.text, shared.get("/console/console.css").text, shared.get("/console/console.js").text):
        assert "http://" not in text
        assert "https://" not in text
