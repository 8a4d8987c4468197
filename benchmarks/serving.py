"""Requests a second and latency of the served live release, over loopback, client and server on the same machine.

    python -m benchmarks.serving [--connections 16] [--seconds 10] [--workers 1]

It serves the live release of RECOPS_HOME (make one with `recops run && recops release`) on a free port, with an event
log of its own: nothing is added to the real one, and /events comes last, so that no user of the release changes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from features.online.snapshot import snapshot_users
from features.settings import Settings
from flows.orchestration.loopback import open_url
from models.release.store import ReleaseStore


async def _connection(port: int, path: str, bodies: Callable[[], bytes], until: float, seconds: list[float]) -> None:
    """One keep-alive connection that asks until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        body = bodies()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
        started = time.perf_counter()
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in answer.split("\r\n") if line.lower().startswith("content-length:"))
        await reader.readexactly(int(length.split(":")[1]))
        seconds.append(time.perf_counter() - started)
        if " 200 " not in answer.split("\r\n", 1)[0]:
            raise SystemExit(f"{path}: {answer.splitlines()[0]}")
    writer.close()


async def _load(port: int, path: str, bodies: Callable[[], bytes], connections: int, duration: float) -> list[float]:
    seconds: list[float] = []
    until = time.perf_counter() + duration
    await asyncio.gather(*(_connection(port, path, bodies, until, seconds) for _ in range(connections)))
    return seconds


def report(name: str, seconds: list[float], duration: float) -> None:
    seconds.sort()
    p50, p99 = (seconds[int(len(seconds) * share)] * 1000 for share in (0.5, 0.99))
    print(f"{name:<44}{len(seconds) / duration:>10.0f} /s   p50 {p50:7.1f} ms   p99 {p99:7.1f} ms", flush=True)


def wait_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        try:
            with open_url(f"http://127.0.0.1:{port}/readyz", timeout_s=2):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit(log.read_text()[-2000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    settings = Settings()
    store = ReleaseStore(settings.home)
    live = store.live()
    if live is None:
        sys.exit(f"{store.pointer}: nothing is live; make a release with `recops run && recops release`")
    users = snapshot_users(store.folder(live))["user_id"].to_list()
    item_ids = _items(store, live)
    rng, number = random.Random(1), itertools.count()
    run = f"{time.time_ns():x}"

    def recommend(user: Callable[[], str]) -> Callable[[], bytes]:
        return lambda: json.dumps({"user_id": user(), "k": 10}).encode()

    def events(n: int) -> Callable[[], bytes]:
        def body() -> bytes:
            batch = [
                {
                    "event_id": f"{run}-{next(number)}",
                    "user_id": rng.choice(users),
                    "item_id": rng.choice(item_ids),
                    "event": "click",
                }
                for _ in range(n)
            ]
            return json.dumps({"events": batch}).encode()

        return body

    with tempfile.TemporaryDirectory(prefix="recops-bench-") as scratch, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        log = Path(scratch) / "serve.log"
        env = {**os.environ, "RECOPS_WORKERS": str(given.workers), "RECOPS_HOME": str(settings.home)}
        env["RECOPS_DATABASE_URL"] = f"sqlite:///{scratch}/events.db"
        command = [sys.executable, "-m", "services.serve", "--port", str(port)]
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
        try:
            wait_ready(port, process, log)
            plain = f"{given.connections} connections, {given.workers} worker(s)"
            print(f"release {live}: {len(users)} users, {len(item_ids)} items; {plain}, {os.cpu_count()} cores")
            cases: list[tuple[str, str, Callable[[], bytes], int]] = [
                ("/recommend, one connection", "/recommend", recommend(lambda: rng.choice(users)), 1),
                ("/recommend, known users", "/recommend", recommend(lambda: rng.choice(users)), given.connections),
                ("/recommend, new users", "/recommend", recommend(lambda: f"new-{next(number)}"), given.connections),
                ("/events, one each (durable)", "/events", events(1), given.connections),
                ("/events, 100 each (durable)", "/events", events(100), given.connections),
            ]
            for name, path, bodies, connections in cases:
                asyncio.run(_load(port, path, bodies, connections, 1.0))
                report(name, asyncio.run(_load(port, path, bodies, connections, given.seconds)), given.seconds)
        finally:
            process.terminate()
            process.wait(60)


def _items(store: ReleaseStore, live: str) -> list[str]:
    import polars as pl

    path = store.bundle(live) / "catalogue" / "catalogue.parquet"
    return pl.read_parquet(path, columns=["item_id"])["item_id"].to_list()


if __name__ == "__main__":
    main()
