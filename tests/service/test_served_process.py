"""`python -m services.serve` as a real process: ready, durable under kill -9, several workers, orderly end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from features.events.event_log import EventLog
from features.events.shards import verify
from flows.orchestration.processes import free_port
from tests.support.served import ROOT, call, family, is_running, serving
from tests.support.small_release import release


def event(number: int) -> dict:
    return {"event_id": str(number), "user_id": "u-new", "item_id": f"b{number % 100:03d}", "event": "click"}


def test_acknowledged_events_survive_a_kill_of_every_process(made, settings):
    release(made, settings, "r1")
    acknowledged: list[int] = []
    with serving(settings.home) as (address, process):
        status, page = call(address, "/")
        assert (status, "console.js" in str(page)) == (200, True)
        assert call(address, "/livez")[0] == 200
        assert call(address, "/nothing")[1]["error"]["code"] == "not_found"
        assert call(address, "/recommend")[1]["error"]["code"] == "method_not_allowed"
        first = call(address, "/recommend", {"user_id": "u-new", "k": 5})[1]
        assert first["fallback"] == "popular"
        killed = threading.Event()

        def post() -> None:
            for number in range(10_000):
                try:
                    if call(address, "/events", {"events": [event(number)]})[0] == 200:
                        acknowledged.append(number)
                except (OSError, http.client.HTTPException):
                    killed.set()
                    return

        poster = threading.Thread(target=post)
        poster.start()
        deadline = time.monotonic() + 60
        while len(acknowledged) < 40 and time.monotonic() < deadline:
            time.sleep(0.01)
        for number in family(process.pid):
            os.kill(number, signal.SIGKILL)
        poster.join(60)
        assert killed.is_set()
    log = EventLog(settings.events_url)
    recorded = {int(found.event_id) for found in log.read(limit=100_000)}
    assert len(acknowledged) >= 40
    assert set(acknowledged) <= recorded
    assert verify(log).faults == ()
    with serving(settings.home, RECOPS_WORKERS="2") as (address, process):
        answer = call(address, "/events", {"events": [event(number) for number in range(len(acknowledged))]})[1]
        assert answer == {"accepted": 0, "duplicates": len(acknowledged)}
        seen = {f"b{number % 100:03d}" for number in acknowledged}
        for _ in range(8):  # whichever worker answers
            body = call(address, "/recommend", {"user_id": "u-new", "k": 100})[1]
            assert body["fallback"] is None
            assert not seen & {item["item_id"] for item in body["items"]}
        metrics = str(call(address, "/metrics")[1])
        assert 'recops_requests_total{route="recommend",status="200"} 8.0' in metrics  # summed over the workers
        release(made, settings, "r2")
        deadline, live = time.monotonic() + 30, set()
        while time.monotonic() < deadline:
            live = {call(address, "/recommend", {"user_id": "u"})[1]["release"] for _ in range(8)}
            if live == {"r2"}:
                break
            time.sleep(0.2)
        assert live == {"r2"}
        workers = family(process.pid)[1:]
        assert len(workers) == 2
        process.kill()  # the server alone: its workers must not stay and hold the port
        deadline = time.monotonic() + 30
        while any(is_running(worker) for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(is_running(worker) for worker in workers)


def test_with_nothing_released_serving_ends_with_2_and_one_paragraph(settings):
    settings.home.mkdir()
    env = {**os.environ, "RECOPS_HOME": str(settings.home)}
    for arguments, told in (([], "nothing is live"), (["--host", "0.0.0.0"], "RECOPS_API_KEYS is empty")):
        done = subprocess.run(
            [sys.executable, "-m", "services.serve", *arguments], env=env, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_started_by_bentoml_itself_without_a_release_it_lives_but_is_not_ready(settings):
    settings.home.mkdir()
    port = free_port()
    env = {**os.environ, "RECOPS_HOME": str(settings.home), "BENTOML_HOME": str(settings.home / "bentoml")}
    command = [sys.executable, "-m", "bentoml", "serve", "services.service:RecopsService", "--port", str(port)]
    log = settings.home / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline, found = time.monotonic() + 120, None
        while time.monotonic() < deadline and found is None:
            try:
                found = call(f"http://127.0.0.1:{port}", "/livez")[0]
            except OSError:
                time.sleep(0.3)
        assert found == 200, log.read_text()[-2000:]
        status, body = call(f"http://127.0.0.1:{port}", "/readyz")
        assert (status, body["error"]["code"]) == (503, "not_ready")
        status, body = call(f"http://127.0.0.1:{port}", "/recommend", {"user_id": "u"})
        assert (status, body["error"]["code"]) == (503, "not_ready")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(b"NONSENSE\r\n\r\n")
            assert b'{"error":{"code":"invalid"' in client.recv(65536)  # our protocol class, though BentoML starts it
        metrics = str(call(f"http://127.0.0.1:{port}", "/metrics")[1])
        assert 'recops_requests_total{route="unread",status="400"} 1.0' in metrics
        assert "bentoml" not in metrics
        assert list(settings.home.rglob("counter_*.db")) == []  # they are in memory
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
