"""`python -m services.serve` as a real process, and what belongs to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.orchestration.processes import free_port

ROOT = Path(__file__).parents[2]


def call(address: str, path: str, body: dict | None = None) -> tuple[int, dict | str]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"X-Recops-Admin": "1"} if path.startswith("/admin/") else {})
    request = urllib.request.Request(address + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            status, text = reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, json.loads(text) if text.startswith("{") else text


@contextmanager
def serving(
    home: Path, *arguments: str, ready: int = 200, cwd: Path = ROOT, log: Path | None = None, **more: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server of its own on a free port, in its own process group; by default of the working tree."""
    port = free_port()
    env = {**os.environ, "RECOPS_HOME": str(home), "RECOPS_SPARE_WORKER": "false", **more}
    command = [sys.executable, "-m", "services.serve", *(arguments or ["--working-tree"]), "--port", str(port)]
    log = log or home / "serve.log"
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=out, stderr=out, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()[-4000:]
            try:
                if call(address, "/readyz")[0] == ready:
                    break
            except OSError:
                pass
            time.sleep(0.3)
        else:
            raise AssertionError(log.read_text()[-4000:])
        yield address, process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def family(pid: int) -> list[int]:
    """A process and all below it (BentoML's workers stand in sessions of their own)."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents if parent == ancestor]
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
