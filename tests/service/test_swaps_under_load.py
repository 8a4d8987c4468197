"""Releases are swapped between two requests: none fails, and no list is a mixture of two releases."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.settings import Settings
from models.release.store import ReleaseStore
from tests.support.served import call, serving
from tests.support.small_release import Made, make_variant, release

Ask = Callable[[str], tuple[int, dict]]
N_USERS = 12


@pytest.fixture
def at(made: Made, settings: Settings, tmp_path: Path) -> str:
    """The fixed instant of a service with r1 live and r2, of other lists, recorded: lists are then always the same."""
    release(made, settings, "r1")
    release(make_variant(made, _folder(tmp_path)), settings, "r2", live=False)
    return datetime.fromtimestamp(made.at / 1e6, UTC).isoformat()


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "variant"
    folder.mkdir()
    return folder


class Load:
    """Threads that ask for lists at a rate; every answer is compared with the list of the release that it names."""

    def __init__(self, ask: Ask, lists: dict[tuple[str, str], list[str]], users: list[str], rate: float, n: int = 4):
        self.ask, self.lists, self.users, self.pause = ask, lists, users, n / rate
        self.times: list[tuple[float, float]] = []
        self.failures: list[object] = []
        self.releases: set[str] = set()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(n)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        planned = time.perf_counter()
        while not self._ended.wait(max(planned - time.perf_counter(), 0.0)):
            user_id = self.users[(number := number + 1) % len(self.users)]
            began = time.perf_counter()
            try:
                status, body = self.ask(user_id)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                continue
            self.times.append((began, time.perf_counter() - began))
            if status != 200:
                self.failures.append(body)
            elif self.lists[body["release"], user_id] != [item["item_id"] for item in body["items"]]:
                self.failures.append(("mixed", body["release"], user_id))
            else:
                self.releases.add(body["release"])
            planned += self.pause

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(60)


def lists_of_both(ask: Ask, put: Callable[[str], dict], users: list[str]) -> dict[tuple[str, str], list[str]]:
    """(release, user) → items; r1 is live before and after."""
    lists = {}
    for name in ("r2", "r1"):
        assert put(name)["release"] == name
        for user_id in users:
            lists[name, user_id] = [item["item_id"] for item in ask(user_id)[1]["items"]]
    assert any(lists["r1", user_id] != lists["r2", user_id] for user_id in users)
    return lists


def test_three_swaps_there_and_back_while_others_ask(at, start):
    client = start(RECOPS_AT=at, RECOPS_DEADLINE_MS="60000")
    headers = {"X-Recops-Admin": "1"}

    def ask(user_id: str) -> tuple[int, dict]:
        answer = client.post("/recommend", json={"user_id": user_id})
        return answer.status_code, answer.json()

    def put(name: str) -> dict:
        return client.post("/admin/release", json={"release": name}, headers=headers).json()

    users = client.get("/users", params={"limit": N_USERS}).json()["users"]
    load = Load(ask, lists_of_both(ask, put, users), users, rate=40)
    for name in ("r2", "r1") * 3:
        before = len(load.times)
        assert put(name) == {"release": name, "changed": True, "trial": None}
        deadline = time.monotonic() + 60
        while len(load.times) < before + 8 and time.monotonic() < deadline:
            time.sleep(0.02)
    load.stop()
    assert load.failures == []
    assert load.releases == {"r1", "r2"}
    assert len(load.times) >= 48


@pytest.mark.soak
def test_ten_swaps_and_ten_rollbacks_at_50_requests_a_second(at, settings):
    with serving(settings.home, RECOPS_AT=at, RECOPS_DEADLINE_MS="60000", RECOPS_WORKERS="2") as (address, _):

        def ask(user_id: str) -> tuple[int, dict]:
            return call(address, "/recommend", {"user_id": user_id})

        def put(name: str) -> dict:
            body = call(address, "/admin/release", {"release": name})[1]
            deadline = time.monotonic() + 60  # until the other worker has it too
            while len({ask("u")[1]["release"] for _ in range(8)}) > 1 and time.monotonic() < deadline:
                time.sleep(0.1)
            return body

        users = call(address, f"/users?limit={N_USERS}")[1]["users"]
        load = Load(ask, lists_of_both(ask, put, users), users, rate=50, n=8)
        time.sleep(10)
        n_before = len(load.times)
        for _ in range(10):
            assert put("r2")["release"] == "r2"
            time.sleep(1)
            body = call(address, "/admin/rollback", {"from": "r2"})[1]
            assert body == {"release": "r1", "changed": True}
            time.sleep(1.5)
        load.stop()
        assert load.failures == []
        assert load.releases == {"r1", "r2"}
        history = [span.release for span in ReleaseStore(settings.home).history()]
        assert history == ["r1", *("r2", "r1") * 11]
        p99 = [
            sorted(seconds for _, seconds in part)[int(len(part) * 0.99)]
            for part in (load.times[:n_before], load.times[n_before:])
        ]
        print(json.dumps({"requests": len(load.times), "p99_ms before, during": [round(s * 1000, 1) for s in p99]}))
