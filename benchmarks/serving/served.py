"""The service as a process of its own on a free port, on a copy of the home: the real one gets nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from benchmarks.serving.freshness import Probed, Probing
from benchmarks.serving.generator import Load, Sent
from benchmarks.serving.processes import processor_seconds
from benchmarks.serving.scratch_home import copy_home
from features.online.snapshot import snapshot_users
from flows.orchestration.loopback import open_url
from flows.orchestration.processes import descendants, free_port, start, stop, tail, wait_ready
from models.release.store import ReleaseStore
from services.supervision.supervisor import SPARE_AFTER_S

READY_S = 1800.0  # the first start on a million items makes their approximate index
SETTLING_S = 90.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running service: home: the copy that it serves; ready_s: from its start to the first 200 of /readyz."""

    home: Path
    release: str
    port: int
    pid: int
    ready_s: float
    users: list[str]
    items: list[str]

    @property
    def workers(self) -> list[int]:
        """Process ids below the supervisor."""
        return descendants(self.pid)

    def run(self, load: Load) -> tuple[Sent, float]:
        """What became of a load that a process of its own sent, and the processor time [s] that the service took."""
        pids = [self.pid, *self.workers]
        before = processor_seconds(pids)
        command = [sys.executable, "-m", "benchmarks.serving.generator"]
        done = subprocess.run(command, input=json.dumps(asdict(load)).encode(), stdout=subprocess.PIPE, check=True)
        return Sent(**json.loads(done.stdout)), processor_seconds(pids) - before

    def probe(self, probing: Probing) -> Probed:
        """What probes of freshness saw, sent by a process of their own."""
        command = [sys.executable, "-m", "benchmarks.serving.freshness"]
        done = subprocess.run(command, input=json.dumps(asdict(probing)).encode(), stdout=subprocess.PIPE, check=True)
        return Probed(**json.loads(done.stdout))

    def get(self, path: str) -> str:
        """The body of a GET."""
        with open_url(f"http://127.0.0.1:{self.port}{path}", timeout_s=30) as reply:
            return str(reply.read().decode())


@contextmanager
def serving(
    home: Path, *, workers: int = 1, working_tree: bool = False, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Serves the live release of a home until the block ends."""
    store = ReleaseStore(home)
    live = store.live()
    if live is None:
        sys.exit(f"{store.pointer}: nothing is live; make a release with `recops run && recops release`")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="recops-bench-") as scratch:
        log, copy = Path(scratch) / "serve.log", copy_home(home, Path(scratch) / "home")
        env = {**os.environ, "RECOPS_WORKERS": str(workers), "RECOPS_HOME": str(copy), **(environment or {})}
        command = [sys.executable, "-m", "services.serve", "--port", str(port)]
        begun = time.perf_counter()
        process = start(command + ["--working-tree"] * working_tree, env=env, cwd=Path.cwd(), log=log)
        try:
            if not wait_ready(process, f"http://127.0.0.1:{port}/readyz", timeout_s=READY_S):
                sys.exit(f"the service is not ready: {tail(log)}")
            ready_s = time.perf_counter() - begun
            _settle(process.pid)
            yield Served(
                home=copy,
                release=live,
                port=port,
                pid=process.pid,
                ready_s=ready_s,
                users=snapshot_users(store.folder(live))["user_id"].to_list(),
                items=items_of(store.bundle(live)),
            )
        finally:
            stop(process, grace_s=40)


def _settle(pid: int) -> None:
    """Waits until the service is idle: the spare worker starts once the others answer, and is no request's cost."""
    time.sleep(SPARE_AFTER_S + 3)
    until = time.monotonic() + SETTLING_S
    while time.monotonic() < until:
        before = processor_seconds([pid, *descendants(pid)])
        time.sleep(2.0)
        if processor_seconds([pid, *descendants(pid)]) - before < 0.1:
            return


def items_of(bundle: Path) -> list[str]:
    """The items of a bundle."""
    path = bundle / "catalogue" / "catalogue.parquet"
    return pl.read_parquet(path, columns=["item_id"])["item_id"].to_list()
