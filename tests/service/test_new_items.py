"""New items: recommended by their text without a restart, known to every answer, and the same in every worker."""

from __future__ import annotations

import fcntl
import os
import re
import time

import numpy as np
import pytest

from features.catalogue_changes.text_store import TextStore, key_of
from tests.support.small_release import release
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def patient(settings, monkeypatch):
    """A busy machine changes no list."""
    monkeypatch.setenv("RECOPS_DEADLINE_MS", "60000")


@pytest.fixture
def encoder(made, settings):
    """Stands for another worker's encoder: it holds the lock, and gives each text the vector of an item that the test
    names, shifted as an encoder's raw vectors are."""
    release(made, settings, "r1")
    settings.home.mkdir(exist_ok=True)
    lock = os.open(settings.home / "item-encoder.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield Encoder(made)
    os.close(lock)


def wait_for_true(check, timeout_s=20) -> None:
    assert wait_for(check, timeout_s)


class Encoder:
    def __init__(self, made) -> None:
        from models.data.tables import read_vectors

        catalogue, vectors = made.catalogue, read_vectors(made.bundle / "vectors")
        self.vector_of_text = dict(zip(catalogue["text"].to_list(), vectors, strict=True))
        self.vector_of_item = dict(zip(catalogue["item_id"].to_list(), vectors, strict=True))

    def work(self, client) -> None:
        store: TextStore = client.runtime.live.texts
        shift = np.linspace(-1, 1, 16)
        for key, text in store.waiting(1000):
            assert key == key_of("", text)
            like = self.vector_of_text.get(text)
            if like is None:
                like = self.vector_of_item[re.match(r"Like ([^ .]+)", text)[1]]
            store.put({key: (0.7 * like + shift).astype(np.float32)})


def listed(client, path, body) -> list[dict]:
    answer = client.post(path, json={"k": 100, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def post(client, **item):
    assert client.post("/items", json={"items": [item]}).status_code == 200


def added(client) -> int:
    return client.get("/status").json()["items"]["with_text"]


def test_a_new_item_is_offered_by_its_text_and_known_to_every_answer(encoder, made, start):
    client = start()
    user = client.get("/users?limit=1").json()["users"][0]
    liked = client.get("/history", params={"user_id": user}).json()["items"][0]["item_id"]
    post(client, item_id="new", title=f"Like {liked}", category="a new category", price=12.5)
    wait_for_true(lambda: client.post("/similar", json={"item_id": "new"}).status_code == 200)
    assert client.get("/status").json()["items"]["waiting"] == 1
    wait_for_true(lambda: encoder.work(client) or added(client) == 1)
    items = listed(client, "/recommend", {"user_id": "somebody", "history": [liked], "details": True})
    new = next(item for item in items if item["item_id"] == "new")
    assert (new["title"], new["category"], new["price"]) == (f"Like {liked}", "a new category", 12.5)
    assert new["sources"] == ["text"]
    assert "new" in [item["item_id"] for item in listed(client, "/similar", {"item_id": liked})]
    assert liked == listed(client, "/similar", {"item_id": "new"})[0]["item_id"]
    filtered = listed(client, "/recommend", {"user_id": user, "filter": {"category": ["a new category"]}})
    assert [item["item_id"] for item in filtered] == ["new"]
    client.post("/events", json={"events": [{"user_id": user, "item_id": "new", "event": "click"}]})
    newest = client.get("/history", params={"user_id": user}).json()["items"][0]
    assert (newest["item_id"], newest["title"]) == ("new", f"Like {liked}")
    assert "new" not in [item["item_id"] for item in listed(client, "/recommend", {"user_id": user})]  # seen
    explained = listed(client, "/recommend", {"user_id": "x", "history": ["new"], "explain": True, "k": 10})
    assert all(item["reason"] for item in explained)


def test_a_restarted_worker_and_another_one_give_the_same_lists(encoder, made, start):
    client = start()
    for number, item_id in enumerate(made.catalogue["item_id"].to_list()[:5]):
        post(client, item_id=f"new-{number}", title=f"Like {item_id}")
    client.delete("/items/new-3")
    client.post("/events", json={"events": [{"user_id": "u", "item_id": "new-1", "event": "click"}]})
    wait_for_true(lambda: encoder.work(client) or added(client) == 4)
    other = start()
    assert other.get("/status").json()["items"] == client.get("/status").json()["items"]
    for history in (["new-1"], made.catalogue["item_id"].to_list()[3:6]):
        body = {"user_id": "nobody", "history": history, "k": 50}
        one, two = (client.post("/recommend", json=body).json()["items"] for client in (client, other))
        assert one == two
        assert "new-3" not in [item["item_id"] for item in one]
    states = [client.runtime.live.current.lookup.items for client in (client, other)]
    assert np.array_equal(states[0].states, states[1].states, equal_nan=True)
    assert not np.isnan(states[0].states[-4]).all()  # new-1 was clicked


def test_lists_are_as_before_until_a_new_item_enters_them(encoder, made, start):
    client = start()
    users = client.get("/users?limit=20").json()["users"]
    before = {user: listed(client, "/recommend", {"user_id": user, "k": 20}) for user in users}
    post(client, item_id="new", title="Something else")
    wait_for_true(lambda: client.post("/similar", json={"item_id": "new"}).status_code == 200)
    assert {user: listed(client, "/recommend", {"user_id": user, "k": 20}) for user in users} == before


def test_a_change_of_a_released_item_is_shown(client):
    item_id = listed(client, "/recommend", {"user_id": "x"})[0]["item_id"]
    post(client, item_id=item_id, title="Another title", price=None)

    def shown() -> dict:
        items = listed(client, "/recommend", {"user_id": "x", "details": True})
        return next(item for item in items if item["item_id"] == item_id)

    wait_for_true(lambda: shown()["title"] == "Another title")
    assert shown()["price"] is None


def test_another_encoder_than_the_release_s_is_said_and_used_for_nothing(encoder, made, start):
    client = start()
    post(client, item_id="new", title="New")
    wait_for_true(lambda: len(client.runtime.live.texts.waiting(1000)) > 1)
    store = client.runtime.live.texts
    random = np.random.default_rng(3)
    store.put({key: random.normal(size=16).astype(np.float32) for key, _ in store.waiting(1000)})
    wait_for_true(lambda: client.get("/status").json()["items"]["faults"])
    assert "is not the one that made" in client.get("/status").json()["items"]["faults"]["encoder"]
    assert added(client) == 0


def test_without_an_encoder_the_status_says_so(made, settings, start):
    release(made, settings, "r1")
    client = start(RECOPS_ITEM_ENCODER="auto", RECOPS_ENCODER=str(settings.home / "nothing"), HF_HUB_OFFLINE="1")
    post(client, item_id="new", title="New")
    wait_for_true(lambda: client.get("/status").json()["items"]["faults"], timeout_s=90)
    assert "no encoder for new items" in client.get("/status").json()["items"]["faults"]["encoder"]
    deadline = time.monotonic() + 5
    while client.post("/similar", json={"item_id": "new"}).status_code != 200:
        assert time.monotonic() < deadline
