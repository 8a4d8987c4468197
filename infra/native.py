"""The processes of compose.yaml started natively: Prefect on PostgreSQL, worker, service on PostgreSQL and Redis.

    python infra/native.py smoke      starts all of them, runs the smoke test, stops them
    python infra/native.py up         starts all of them and stays until Ctrl-C

Run it in a project that has a live release (`recops run && recops release` with the same environment). It needs
RECOPS_DATABASE_URL (postgresql://…) and RECOPS_ONLINE_STORE (redis://…); PREFECT_SERVER_DATABASE_CONNECTION_URL names
Prefect's own database (postgresql+asyncpg://…).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from flows.orchestration.loopback import bypass_proxies, open_url
from flows.orchestration.processes import tail, wait_ready

PREFECT_PORT = int(os.environ.get("RECOPS_NATIVE_PREFECT_PORT", "4200"))
SERVICE_PORT = int(os.environ.get("RECOPS_NATIVE_SERVICE_PORT", "3000"))
API = f"http://127.0.0.1:{PREFECT_PORT}/api"
SERVICE = f"http://127.0.0.1:{SERVICE_PORT}"
NEEDED = ("RECOPS_DATABASE_URL", "RECOPS_ONLINE_STORE", "PREFECT_SERVER_DATABASE_CONNECTION_URL")


def start(logs: Path) -> dict[str, subprocess.Popen[bytes]]:
    """Server, worker and service, each with its log; returns when all are ready."""
    logs.mkdir(parents=True, exist_ok=True)
    base = {
        **os.environ,
        "PREFECT_LOGGING_LEVEL": "INFO",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    base["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{base['PATH']}"
    base.pop("PREFECT_API_URL", None)
    client = {**base, "PREFECT_API_URL": API}
    port = ["--host", "127.0.0.1", "--port"]
    running = {}
    running["prefect"] = _start(["prefect", "server", "start", *port, str(PREFECT_PORT)], base, logs)
    _wait(f"{API}/health", running["prefect"], logs / "prefect.log")
    running["worker"] = _start(["bash", str(Path(__file__).parent / "worker.sh")], client, logs, "worker")
    running["service"] = _start(["recops", "serve", *port, str(SERVICE_PORT)], client, logs, "service")
    _wait(f"{SERVICE}/readyz", running["service"], logs / "service.log")
    return running


def smoke() -> list[str]:
    """One line a check; raises when one fails."""
    told = []
    user = f"smoke-{uuid.uuid4().hex[:8]}"
    first = _call(f"{SERVICE}/recommend", {"user_id": user, "k": 5})
    assert len(first["items"]) == 5, first
    told.append(f"recommend: 5 items from release {first['release']}")
    item = first["items"][0]["item_id"]
    event = {"event_id": user, "user_id": user, "item_id": item, "event": "click"}
    assert _call(f"{SERVICE}/events", {"events": [event]}) == {"accepted": 1, "duplicates": 0}
    assert _call(f"{SERVICE}/events", {"events": [event]}) == {"accepted": 0, "duplicates": 1}
    told.append("events: accepted once, a duplicate the second time (PostgreSQL)")
    second = _call(f"{SERVICE}/recommend", {"user_id": user, "k": 5})
    assert item not in [found["item_id"] for found in second["items"]], second
    told.append("the next answer reflects the event (Redis)")
    with open_url(f"{SERVICE}/metrics", timeout_s=5) as reply:
        assert b"recops_" in reply.read()
    told.append("metrics: there for Prometheus")
    pools = _call(f"{API}/work_pools/filter", {})
    deadline = time.monotonic() + 90
    names: list[str] = []
    while time.monotonic() < deadline and len(names) < 7:
        names = sorted(found["name"] for found in _call(f"{API}/deployments/filter", {}))
        time.sleep(1)
    assert [pool["name"] for pool in pools] == ["local"], pools
    assert len(names) >= 7, names
    told.append(f"Prefect on PostgreSQL: work pool local, deployments {names}")
    return told


def stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """SIGTERM to each, the last started first."""
    for process in reversed(list(running.values())):
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _start(command: list[str], env: dict[str, str], logs: Path, name: str | None = None) -> subprocess.Popen[bytes]:
    with (logs / f"{name or command[0]}.log").open("wb") as out:
        return subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    if not wait_ready(process, url, timeout_s=120):
        raise SystemExit(f"{url} does not answer; {log}:\n{tail(log)}")


def _call(url: str, body: dict[str, object]) -> dict:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with open_url(request, timeout_s=30) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read().decode(errors='replace')[:500]}") from error


def main() -> None:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing or len(sys.argv) != 2 or sys.argv[1] not in {"smoke", "up"}:
        sys.exit(f"{__doc__}\nmissing in the environment: {missing or 'nothing'}")
    bypass_proxies()
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        running = start(Path(os.environ.get("RECOPS_HOME", ".recops")) / "native")
        print("\n".join(smoke()))
        if sys.argv[1] == "up":
            print(f"service {SERVICE}/ · Prefect {API.removesuffix('/api')} · Ctrl-C stops both")
            while all(process.poll() is None for process in running.values()):
                time.sleep(1)
    except KeyboardInterrupt:
        pass
    finally:
        stop(running)


if __name__ == "__main__":
    main()
