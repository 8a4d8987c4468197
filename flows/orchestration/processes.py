"""Child processes that do not outlive us: `kill -9` of a flow leaves no server and no build behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flows.orchestration.loopback import answers

# Runs before the child's own program and stays in force through exec: SIGTERM when the parent is gone. A launcher
# rather than preexec_fn, which is not safe beside the threads that Prefect keeps. It says what
# features/resilience/lifetime.py says once more: started with -S -E it takes 10 ms, and finds no package of ours.
_LAUNCHER = """
import ctypes, os, signal, sys
try:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
except (AttributeError, OSError):
    pass
if os.getppid() != int(sys.argv[1]):
    sys.exit(143)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def start(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """Starts a child in a process group of its own; what it says goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    launcher = [sys.executable, "-S", "-E", "-c", _LAUNCHER, str(os.getpid()), *map(str, command)]
    with log.open("wb") as out:
        return subprocess.Popen(
            launcher,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], *, grace_s: float = 10) -> None:
    """Ends a child and its group: asked first, forced after `grace_s`."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    """Every living process below one, parents first; none where there is no /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    below = [pid]
    for parent_pid in below:
        below += [child for child, parent_of_child in parents.items() if parent_of_child == parent_pid]
    return below[1:]


def free_port(wanted: int = 0) -> int:
    """The wanted port of loopback; another free one when it is taken, or when none is wanted."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise OSError("no free port on loopback")


def wait_ready(process: subprocess.Popen[bytes], url: str, *, timeout_s: float) -> bool:
    """Waits until `url` answers 200; False when the process ended or the time is over."""
    return wait_for(lambda: process.poll() is not None, lambda: answers(url, timeout_s=2), timeout_s=timeout_s)


def wait_for(over: Callable[[], bool], done: Callable[[], bool], *, timeout_s: float) -> bool:
    """Waits until `done`; False when it is `over` before, or after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if done():
            return True
        if over():
            return False
        time.sleep(0.1)
    return False


def tail(log: Path, n_characters: int = 1500) -> str:
    """The end of a log, for a message."""
    return log.read_text(encoding="utf-8", errors="replace")[-n_characters:].strip() if log.is_file() else ""
