"""The live release: followed through the pointer, kept when the next one is bad, brought back at once."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from features.errors import UserError
from models.release.store import ReleaseStore
from tests.support.small_release import release
from tests.support.waiting import wait_for


def live(client) -> str:
    return client.post("/recommend", json={"user_id": "u"}).json()["release"]


def test_the_service_follows_the_pointer_forth_and_back(client, made, settings):
    assert live(client) == "r1"
    release(made, settings, "r2")
    assert wait_for(lambda: live(client) == "r2", seconds=20)
    started = time.monotonic()
    ReleaseStore(settings.home).swap("r1", who="test", why="rolled back")
    assert wait_for(lambda: live(client) == "r1", seconds=20)
    assert time.monotonic() - started < 5


def test_a_bad_release_leaves_the_old_one_serving(client, made, settings):
    store = ReleaseStore(settings.home)
    release(made, settings, "r2", live=False)
    folder = store.folder("r2")
    (folder / "bundle").unlink()
    shutil.copytree(made.bundle, folder / "bundle")
    (folder / "bundle" / "ranker" / "lightgbm_1.txt").write_text("altered")
    store.swap("r2", who="test", why="bad")
    assert wait_for(lambda: client.runtime.live._refused[0] == "r2", seconds=20)
    assert live(client) == "r1"
    assert client.get("/releases").json()["live"] == "r2"
    shutil.copy(made.bundle / "ranker" / "lightgbm_1.txt", folder / "bundle" / "ranker" / "lightgbm_1.txt")
    assert wait_for(lambda: live(client) == "r2", seconds=20)


def test_a_release_whose_hash_is_another_is_not_served(client, made, settings):
    store = ReleaseStore(settings.home)
    release(made, settings, "r2", live=False)
    path = store.folder("r2") / "release.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "bundle_hash": "0" * 64}))
    store.swap("r2", who="test", why="bad")
    assert wait_for(lambda: client.runtime.live._refused[0] == "r2", seconds=20)
    assert live(client) == "r1"


def test_answers_go_on_while_a_release_is_loaded(client, made, settings):
    release(made, settings, "r2")
    found = set()
    assert wait_for(lambda: found.add(live(client)) or "r2" in found, seconds=20)
    assert found <= {"r1", "r2"}


@pytest.mark.parametrize("at", ["2026-13-01", "2026-01-01T00:00:00", "now"])
def test_a_replay_instant_that_is_none_is_refused(settings, start, at):
    with pytest.raises(UserError, match="RECOPS_AT"):
        start(RECOPS_AT=at)


def test_one_damaged_release_is_passed_over_and_named(client, made, settings):
    release(made, settings, "r2")
    assert wait_for(lambda: live(client) == "r2", seconds=20)
    release(made, settings, "r3")
    assert wait_for(lambda: live(client) == "r3", seconds=20)
    (settings.home / "releases" / "r2" / "release.json").write_text('{"release": "r2", ')
    for path in ("/status", "/releases"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert list(answer.json()["faults"]) == ["r2"]
        assert "release.json: no readable release" in answer.json()["faults"]["r2"]
    assert [span["release"] for span in client.get("/releases").json()["releases"]] == ["r1", "r2", "r3"]
    assert ReleaseStore(settings.home).previous() == "r1"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"history": [{"release": "r1"}], "pinned": []}', '{"history": 3}'])
def test_a_damaged_pointer_is_named_and_logged_once_a_minute(client, settings, caplog, text):
    (settings.home / "releases" / "live.json").write_text(text)
    for path in ("/status", "/releases"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "recops release" in answer.json()["faults"]["live.json"]
    assert answer.json()["live"] == "r1"
    refused = client.post("/admin/rollback", json={"from": "r1"}, headers={"X-Recops-Admin": "1"})
    assert (refused.status_code, "not readable" in refused.json()["error"]["message"]) == (409, True)
    time.sleep(0.5)  # the pointer is looked at every 0.1 s here
    assert live(client) == "r1"
    lines = [record for record in caplog.records if "goes on as it is" in record.getMessage()]
    assert len(lines) <= 1


def test_a_service_starts_with_a_damaged_pointer_and_serves_when_it_is_mended(made, settings, start):
    release(made, settings, "r1")
    pointer = settings.home / "releases" / "live.json"
    good = pointer.read_text()
    pointer.write_text("{")
    client = start()
    assert client.post("/recommend", json={"user_id": "u"}).status_code == 503
    pointer.write_text(good)
    assert wait_for(lambda: client.post("/recommend", json={"user_id": "u"}).status_code == 200, seconds=20)
