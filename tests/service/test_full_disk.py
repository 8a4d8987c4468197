"""A full disk, a real one of a few MB: events are refused with 503, everything else goes on, and nothing dies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.settings import Settings
from services.recorder.flight import A_BATCH_S
from tests.support.served import ROOT, call, family, serving
from tests.support.small_release import release


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if not mounted or mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip() if mounted else 'no mount command'}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def event(number: int) -> dict:
    return {"event_id": str(number), "user_id": "u-new", "item_id": f"b{number % 100:03d}", "event": "click"}


def fill(disk: Path) -> Path:
    """Takes every byte that is left."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    assert shutil.disk_usage(disk).free == 0
    return path


def test_a_full_disk_costs_events_a_503_and_nothing_else(made, settings, tmp_path):
    with small_disk(tmp_path / "disk", "64m") as disk:
        home = disk / "home"
        release(made, Settings(home=home), "r1")
        with serving(home, log=tmp_path / "serve.log") as (address, process):
            workers = family(process.pid)
            assert call(address, "/events", {"events": [event(1)]})[0] == 200
            filler = fill(disk)
            statuses = [
                call(address, "/events", {"events": [event(number) for number in range(at, at + 500)]})
                for at in range(100, 3100, 500)
            ]
            refused = [body["error"] for status, body in statuses if status != 200]
            assert [status for status, _ in statuses][-1] == 503
            assert {error["code"] for error in refused} == {"not_ready"}
            for _ in range(3):
                for path in (
                    "/status",
                    "/releases",
                    "/history?user_id=u-new",
                    "/users?q=u",
                    "/readyz",
                    "/metrics",
                    "/",
                ):
                    assert call(address, path)[0] == 200, path
                for user in ("u-new", "somebody"):  # u-new has an event that the online store lacks
                    assert call(address, "/recommend", {"user_id": user})[0] == 200
            time.sleep(A_BATCH_S)  # the flight recorder meets the full disk too
            metrics = call(address, "/metrics")[1]
            assert f'recops_requests_total{{route="events",status="503"}} {len(refused)}.0' in metrics
            filler.unlink()
            time.sleep(0.5)
            assert call(address, "/events", {"events": [event(9_999)]})[0] == 200
            assert family(process.pid) == workers  # nobody died
        assert "Traceback" not in (tmp_path / "serve.log").read_text()


WORK = """
from services.metric_files import reserve_files
reserve_files()
from services.metrics import exposition, metrics
for route in range(2000):
    metrics().count_answer(f"route{route}", 200, 0.1)
assert b'recops_requests_total{route="route1999",status="200"} 1.0' in exposition()[0]
"""


def test_without_space_for_metrics_a_worker_counts_for_itself_and_lives(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(disk)}
        done = subprocess.run([sys.executable, "-c", WORK], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "no space for metrics (No space left on device); each worker counts for itself" in done.stderr
