"""The live release: followed through the pointer, kept when the next one is bad, brought back at once."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from features.errors import UserError
from models.release.store import ReleaseStore
from tests.support.small_release import release


def wait_for(check, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.05)
    return False


def live(client) -> str:
    return client.post("/recommend", json={"user_id": "u"}).json()["release"]


def test_the_service_follows_the_pointer_forth_and_back(client, made, settings):
    assert live(client) == "r1"
    release(made, settings, "r2")
    assert wait_for(lambda: live(client) == "r2")
    started = time.monotonic()
    ReleaseStore(settings.home).swap("r1", who="test", why="rolled back")
    assert wait_for(lambda: live(client) == "r1")
    assert time.monotonic() - started < 5


def test_a_bad_release_leaves_the_old_one_serving(client, made, settings):
    store = ReleaseStore(settings.home)
    release(made, settings, "r2", live=False)
    folder = store.folder("r2")
    (folder / "bundle").unlink()
    shutil.copytree(made.bundle, folder / "bundle")
    (folder / "bundle" / "ranker" / "lightgbm_1.txt").write_text("altered")
    store.swap("r2", who="test", why="bad")
    assert wait_for(lambda: client.runtime.live._refused[0] == "r2")
    assert live(client) == "r1"
    assert client.get("/releases").json()["live"] == "r2"
    shutil.copy(made.bundle / "ranker" / "lightgbm_1.txt", folder / "bundle" / "ranker" / "lightgbm_1.txt")
    assert wait_for(lambda: live(client) == "r2")


def test_a_release_whose_hash_is_another_is_not_served(client, made, settings):
    store = ReleaseStore(settings.home)
    release(made, settings, "r2", live=False)
    path = store.folder("r2") / "release.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "bundle_hash": "0" * 64}))
    store.swap("r2", who="test", why="bad")
    assert wait_for(lambda: client.runtime.live._refused[0] == "r2")
    assert live(client) == "r1"


def test_answers_go_on_while_a_release_is_loaded(client, made, settings):
    release(made, settings, "r2")
    found = set()
    assert wait_for(lambda: found.add(live(client)) or "r2" in found)
    assert found <= {"r1", "r2"}


@pytest.mark.parametrize("at", ["2026-13-01", "2026-01-01T00:00:00", "now"])
def test_a_replay_instant_that_is_none_is_refused(settings, start, at):
    with pytest.raises(UserError, match="RECOPS_AT"):
        start(RECOPS_AT=at)
