"""Hashed ids at the doors of the service: requests carry plain ids, stores and logs only hashes."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from features.errors import UserError
from features.events import shards
from features.events.event_log import as_interactions
from features.importing.importer import append_events, import_source
from features.privacy.hashed_ids import IdHasher, hashed, is_hashed
from services.supervision.start_checks import check
from tests.support.small_release import release

KEY = "a key of the test, long enough"
HASHER = IdHasher(KEY)


@pytest.fixture
def hashed_release(made, settings):
    """A live release of data whose ids were hashed under KEY; a user of its data, plain."""
    history = made.world.history
    user = str(history["user_id"][0])
    history = history.with_columns(hashed(history["user_id"], HASHER))
    of_hashes = replace(made, world=replace(made.world, history=history))
    release(of_hashes, settings, "r1", source={"id_key": HASHER.fingerprint})
    return user


def test_a_plain_id_is_known_at_every_door_and_the_log_holds_its_hash(hashed_release, start, settings):
    client, user = start(RECOPS_ID_KEY=KEY), hashed_release
    answer = client.post("/recommend", json={"user_id": user, "k": 3}).json()
    assert (answer["user_id"], answer["fallback"]) == (user, None)
    before = client.get("/history", params={"user_id": user}).json()
    assert before["n_events"] > 0
    item = answer["items"][0]["item_id"]
    sent = {"events": [{"user_id": user, "item_id": item, "event": "like"}]}
    assert client.post("/events", json=sent).json()["accepted"] == 1
    assert [event.user_id for event in client.runtime.log.read()] == [HASHER(user)]
    after = client.get("/history", params={"user_id": user}).json()
    assert after["items"][0]["item_id"] == item
    assert client.get("/users", params={"q": user}).json()["users"] == [HASHER(user)]


def test_a_hash_from_the_list_of_users_is_not_hashed_again(hashed_release, start):
    client = start(RECOPS_ID_KEY=KEY)
    listed = client.get("/users?limit=1").json()["users"][0]
    assert is_hashed(listed)
    assert client.get("/history", params={"user_id": listed}).json()["n_events"] > 0


@pytest.mark.parametrize(
    ("key", "reason"), [("", "RECOPS_ID_KEY is not set"), ("another key of the test", "another key")]
)
def test_without_the_key_nothing_is_answered_or_recorded_and_it_says_what_to_set(hashed_release, start, key, reason):
    client, user = start(RECOPS_ID_KEY=key), hashed_release
    for path, body in (
        ("/recommend", {"user_id": user}),
        ("/events", {"events": [{"user_id": user, "item_id": "i", "event": "like"}]}),
    ):
        answer = client.post(path, json=body)
        assert answer.status_code == 503
        message = answer.json()["error"]["message"]
        assert reason in message and HASHER.fingerprint in message and KEY not in message
    assert list(client.runtime.log.read()) == []


def test_the_service_does_not_start_without_the_key(hashed_release, settings):
    with pytest.raises(UserError, match="RECOPS_ID_KEY is not set; set it to the key of that import"):
        check(settings, "127.0.0.1", 0, working_tree=True)


def test_events_that_come_back_into_the_data_are_not_hashed_twice(hashed_release, start, tmp_path):
    client, user = start(RECOPS_ID_KEY=KEY), hashed_release
    rows = pl.DataFrame(
        {"user_id": [user] * 5, "item_id": list("abcde"), "timestamp": [1_700_000_000 + n for n in range(5)]}
    )
    (tmp_path / "in").mkdir()
    rows.write_csv(tmp_path / "in" / "interactions.csv")
    import_source("csv", tmp_path / "in", {"hasher": HASHER}, tmp_path / "raw", False, None)
    client.post("/events", json={"events": [{"user_id": user, "item_id": "f", "event": "like"}]})
    exported = as_interactions(shards.frame(client.runtime.log, tmp_path / "shards", 0, 1))
    exported = exported.with_columns(hashed(exported["user_id"], HASHER))  # as `recops events export` does
    append_events(tmp_path / "raw", exported, 1)
    kept = pl.read_parquet(tmp_path / "raw" / "interactions.parquet")
    assert kept["user_id"].unique().to_list() == [HASHER(user)]
    assert json.loads((tmp_path / "raw" / "source.json").read_text())["id_key"] == HASHER.fingerprint
