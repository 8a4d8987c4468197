"""Items over HTTP: checked, durable, idempotent; what is not available is in no answer."""

from __future__ import annotations

import time

import pytest

from tests.support.small_release import release


@pytest.fixture(autouse=True)
def patient(settings, monkeypatch):
    """A busy machine changes no list."""
    monkeypatch.setenv("RECOPS_DEADLINE_MS", "60000")


def recommended(client, user_id="nobody", k=30) -> list[str]:
    answer = client.post("/recommend", json={"user_id": user_id, "k": k})
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def post(client, *items):
    return client.post("/items", json={"items": list(items)})


def test_an_item_is_posted_once_and_numbered(client):
    answer = post(client, {"item_id": " new ", "title": "New", "tags": ["a", " ", "a"], "price": 3})
    assert answer.json() == {"items": [{"item_id": "new", "seq": 1, "changed": True}], "position": 1}
    again = post(client, {"item_id": "new", "title": " New ", "tags": ["a"], "price": 3.0})
    assert again.json() == {"items": [{"item_id": "new", "seq": 1, "changed": False}], "position": 1}


BAD = [
    ({"item_id": ""}, "items[0].item_id"),
    ({"item_id": "x" * 513}, "items[0].item_id"),
    ({"item_id": "null"}, "items[0].item_id"),
    ({"item_id": 5}, "items[0].item_id"),
    ({"title": "no id"}, "items[0].item_id"),
    ({"item_id": "a", "color": "red"}, "items[0].color"),
    ({"item_id": "a", "price": -1}, "items[0].price"),
    ({"item_id": "a", "tags": ["x", "y" * 200]}, "items[0].tags[1]"),
    ({"item_id": "a", "tags": "x"}, "items[0].tags"),
    ({"item_id": "a", "category": "\u0001"}, "items[0].category"),
    ({"item_id": "a", "title": "x" * 2_001}, "items[0].title"),
    ({"item_id": "a", "created_at": "yesterday"}, "items[0].created_at"),
    ({"item_id": "a", "created_at": "2026-01-01T00:00:00"}, "items[0].created_at"),
    ({"item_id": "a", "created_at": 1_700_000_000_000}, "items[0].created_at"),
    ({"item_id": "a", "available": None}, "items[0].available"),
    (
        {"item_id": "a", "available_from": "2026-01-02T00:00:00Z", "available_until": "2026-01-01T00:00:00Z"},
        "items[0].available_until",
    ),
]


@pytest.mark.parametrize(("item", "field"), BAD, ids=str)
def test_a_bad_item_is_refused_with_its_field(shared, item, field):
    answer = post(shared, item)
    assert answer.status_code == 400, answer.text
    assert field is None or answer.json()["error"]["field"] == field


def test_one_bad_item_refuses_all(client):
    assert post(client, {"item_id": "good"}, {"item_id": ""}).status_code == 400
    assert post(client).json()["position"] == 0


def test_a_description_has_lines(client):
    assert post(client, {"item_id": "a", "description": "One.\nTwo."}).status_code == 200


def test_an_unavailable_item_is_in_no_answer_at_once_and_comes_back(client):
    first = recommended(client)[0]
    similar = client.post("/similar", json={"item_id": first}).json()["items"][0]["item_id"]
    assert post(client, {"item_id": first, "available": False}).status_code == 200
    assert first not in recommended(client)
    post(client, {"item_id": similar, "available": False})
    left = client.post("/similar", json={"item_id": first}).json()["items"]
    assert similar not in [item["item_id"] for item in left]
    post(client, {"item_id": first, "available": True})
    assert recommended(client)[0] == first


def test_every_worker_leaves_out_what_another_was_told(made, settings, start):
    release(made, settings, "r1")
    one, other = start(), start()
    first = recommended(other)[0]
    post(one, {"item_id": first, "available": False})
    assert first not in recommended(other)
    one.delete(f"/items/{recommended(one)[0]}")
    assert recommended(one) == recommended(other)


def test_an_item_is_offered_until_its_end_and_from_its_start(client):
    first, second = recommended(client)[:2]
    soon, later = time.time() + 1.0, time.time() + 3_600
    post(client, {"item_id": first, "available_until": soon}, {"item_id": second, "available_from": later})
    lists = recommended(client)
    assert first in lists and second not in lists
    time.sleep(max(soon - time.time(), 0) + 0.01)
    assert first not in recommended(client)
    post(client, {"item_id": second, "available_from": None})
    assert second in recommended(client)


def test_a_deleted_item_is_gone_and_an_unknown_one_is_404(client):
    first = recommended(client)[0]
    assert client.delete(f"/items/{first}").json()["items"][0]["changed"] is True
    assert client.delete(f"/items/{first}").json()["items"][0]["changed"] is False
    assert first not in recommended(client)
    answer = client.delete("/items/no-such")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_item")
    post(client, {"item_id": "a/b c"})
    assert client.delete("/items/a%2Fb%20c").status_code == 200


def test_a_restart_knows_what_was_posted(made, settings, start):
    release(made, settings, "r1")
    client = start()
    first = recommended(client)[0]
    post(client, {"item_id": first, "available": False})
    assert first not in recommended(start())


def test_a_replay_of_a_fixed_instant_takes_no_items(made, settings, start):
    release(made, settings, "r1")
    client = start(RECOPS_AT="2026-01-01T00:00:00Z")
    assert post(client, {"item_id": "a"}).status_code == 409
