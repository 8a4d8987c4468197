"""Each release is served from its own Bento; other code takes over, and the service ends, without a lost request."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from models.release.running import running_services, wait_until_followed
from models.release.store import ReleaseStore
from tests.support.bentos import release_with_code
from tests.support.served import call, family, is_running, serving
from tests.support.small_release import release


class Clients:
    """Threads that ask one question after the other, each on a connection that it keeps while the server does."""

    def __init__(self, address: str, n_threads: int = 4, *, keep: bool = True) -> None:
        self.host, self.keep = address.removeprefix("http://"), keep
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(n_threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self) -> None:
        connection = None
        while not self._ended.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(self.host, timeout=60)
                    connection.connect()
            except ConnectionRefusedError:
                return  # the server is gone: nothing was asked
            try:
                connection.request(
                    "POST", "/recommend", json.dumps({"user_id": "u"}), {"Content-Type": "application/json"}
                )
                reply = connection.getresponse()
                body = json.loads(reply.read())
                self.answers[body["release"] if reply.status == 200 else str(body)] += 1
                if not self.keep or reply.getheader("connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                return


def until(address: str, path: str, key: str, value: Any, timeout_s: float = 90) -> dict:
    """The answer of a route once it says what is waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        status, body = call(address, path)
        if status == 200 and body[key] == value:
            return dict(body)
        assert time.monotonic() < deadline, (status, body)
        time.sleep(0.2)


def test_a_release_of_other_code_takes_over_and_back_without_a_failed_request(made, settings, tmp_path):
    store = ReleaseStore(settings.home)
    first = release_with_code(made, settings, "r1", "code1")
    store.swap("r1", who="test", why="")
    with serving(settings.home, "--host", "127.0.0.1", cwd=tmp_path, PYTHONPATH=str(Path(__file__).parents[2])) as (
        address,
        process,
    ):
        code = call(address, "/status")[1]["code"]
        assert (code["from"], code["tag"]) == ("bento", first.bento_tag)
        old_workers = family(process.pid)[1:]
        second = release_with_code(made, settings, "r2", "code2")
        clients = Clients(address)
        store.swap("r2", who="test", why="")
        body = until(address, "/status", "release", "r2")
        assert body["code"]["tag"] == second.bento_tag
        assert body["code"]["version"] != code["version"]
        deadline = time.monotonic() + 40
        while any(is_running(pid) for pid in old_workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(is_running(pid) for pid in old_workers)
        clients.stop()
        assert clients.failures == []
        assert set(clients.answers) == {"r1", "r2"}

        status, body = call(address, "/admin/rollback", {"from": "r2"})
        assert (status, body) == (200, {"release": "r1", "changed": True})
        outcome = wait_until_followed(settings.home, "r1")
        assert (len(outcome.loaded), outcome.waiting, outcome.refused) == (1, [], {})
        assert call(address, "/status")[1]["code"] == code

        release_with_code(made, settings, "r3", "code3", broken="raise RuntimeError('its code does not run')")
        store.swap("r3", who="test", why="")
        outcome = wait_until_followed(settings.home, "r3", other_code_s=60)
        assert (outcome.loaded, outcome.waiting, len(outcome.refused)) == ([], [], 1)
        assert "ended with 1 before it could answer" in next(iter(outcome.refused.values()))
        assert call(address, "/recommend", {"user_id": "u"})[1]["release"] == "r1"
        (worker,) = {service.pid for service in running_services(settings.home) if service.release == "r1"}
        os.kill(worker, signal.SIGKILL)  # it comes back with the newest release that its code can load
        deadline = time.monotonic() + 60
        while True:
            try:
                if call(address, "/recommend", {"user_id": "u"})[1]["release"] == "r1":
                    break
            except OSError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.parametrize("keep", [True, False], ids=["kept connections", "a connection each"])
def test_at_the_end_every_request_that_was_sent_is_answered(made, settings, keep):
    release(made, settings, "r1")
    with serving(settings.home) as (address, process):
        clients = Clients(address, n_threads=8, keep=keep)
        deadline = time.monotonic() + 30
        while sum(clients.answers.values()) < 50 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        clients.stop()
        assert clients.failures == []
        assert set(clients.answers) == {"r1"}
        assert running_services(settings.home) == []
