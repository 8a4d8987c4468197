"""Swaps under load: p99 while releases are put live and rolled back, against p99 of a service that is left alone.

    python -m benchmarks.swaps [--rate 50] [--seconds 20] [--swaps 10] [--workers 1] [--working-tree]

It serves a copy of RECOPS_HOME in which the live release is there three times. Each swap goes to one that is not in
memory, each rollback back to the first; every answer counts, from its planned instant. Exit code 1 when a request
failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.serving.cases import RECOMMEND
from benchmarks.serving.generator import Load, Sent
from benchmarks.serving.served import Served, serving
from benchmarks.serving.traffic import Traffic
from features.settings import Settings
from models.release.store import ReleaseStore

PAUSE_S = 1.0


def copies(home: Path, release: str) -> list[str]:
    """Two more releases with the files of one."""
    store, names = ReleaseStore(home), [f"{release}-b", f"{release}-c"]
    for name in names:
        store.folder(name).mkdir()
        for path in store.folder(release).iterdir():
            if path.name != "release.json":
                (store.folder(name) / path.name).symlink_to(path.resolve(), target_is_directory=path.is_dir())
        content = json.loads((store.folder(release) / "release.json").read_text(encoding="utf-8"))
        (store.folder(name) / "release.json").write_text(json.dumps({**content, "release": name}), encoding="utf-8")
    return names


def put(served: Served, release: str) -> float:
    """Puts a release live; seconds until that was answered."""
    headers = {"Content-Type": "application/json", "X-Recops-Admin": "1"}
    url, body = f"http://127.0.0.1:{served.port}/admin/release", json.dumps({"release": release}).encode()
    began = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as reply:
        assert json.load(reply)["release"] == release
    return time.perf_counter() - began


def swap_all(served: Served, names: Sequence[str], n_swaps: int, took: list[float]) -> None:
    """There and back, `n_swaps` times, alternately to each of the names."""
    for number in range(n_swaps):
        took.append(put(served, names[number % len(names)]))
        time.sleep(PAUSE_S)
        put(served, served.release)
        time.sleep(PAUSE_S)


def told(name: str, sent: Sent) -> tuple[float, int]:
    """Prints a line; p99 [ms] and the number of requests that failed."""
    failed = sent.unanswered + sum(status != 200 for status in sent.statuses)
    p50, p99, greatest = np.percentile(sent.ms, [50, 99, 100])
    print(
        f"{name:<28}{len(sent.ms):>7} requests  p50 {p50:6.1f}  p99 {p99:6.1f}  max {greatest:6.1f} ms  {failed} failed"
    )
    return float(p99), failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20, help="of the load without swaps")
    parser.add_argument("--swaps", type=int, default=10, help="swaps, and as many rollbacks")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--working-tree", action="store_true", help="this code instead of the release's Bento")
    given = parser.parse_args()
    with serving(Settings().home, workers=given.workers, working_tree=given.working_tree) as served:
        names = copies(served.home, served.release)
        traffic = Traffic(mixture=RECOMMEND, users=served.users, items=served.items)
        load = {"port": served.port, "traffic": traffic, "rate": given.rate}
        served.run(Load(seconds=3, **load))
        quiet, _ = served.run(Load(seconds=given.seconds, **load))
        took: list[float] = []
        swapping = threading.Thread(target=swap_all, args=(served, names, given.swaps, took))
        swapping.start()
        busy = []
        while swapping.is_alive():
            busy.append(served.run(Load(seconds=given.seconds, **load))[0])
    p99, failed = told("without swaps", quiet)
    results = [told("with swaps and rollbacks", sent) for sent in busy]
    print(
        f"a swap took {np.median(took):.2f} s (median of {len(took)}); p99 {max(r[0] for r in results) / p99:.2f} times"
    )
    sys.exit(1 if failed + sum(r[1] for r in results) else 0)


if __name__ == "__main__":
    main()
