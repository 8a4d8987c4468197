"""Registry of running services: each process records the release that it loaded or refused in a file under home."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from features.files import write_text

FOLDER = "services"
WORKER, SUPERVISOR = "worker", "supervisor"
BEAT_S = 10.0
SILENT_S = 60.0  # a process of another machine counts as gone when its file is older
IN_PLACE_S = 10.0
OTHER_CODE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class RunningService:
    """A process that serves, or one that starts such processes.

    started: the process's start in the kernel's ticks, since process ids are used again; release: what it has loaded;
    starting: the release for which a supervisor is starting other code; refused: release → why it was not loaded;
    draining: it takes no new work.
    """

    pid: int
    host: str
    started: int
    role: str = WORKER
    supervisor: int | None = None
    address: str = ""
    code: dict[str, str | None] = field(default_factory=dict)
    release: str | None = None
    starting: str | None = None
    refused: dict[str, str] = field(default_factory=dict)
    draining: bool = False

    @property
    def name(self) -> str:
        """Its name in messages."""
        where = f" at {self.address}" if self.address else ""
        return f"process {self.pid} on {self.host}{where}"


@dataclass(frozen=True)
class Following:
    """State of a release among the running services: names of those that have it, of those that have not yet, and
    name → reason of those that refused it."""

    loaded: list[str]
    waiting: list[str]
    refused: dict[str, str]

    @property
    def settled(self) -> bool:
        return not self.waiting


class Registration:
    """The record file of this process: rewritten at each change, removed at the end."""

    def __init__(self, home: Path, **facts: Any) -> None:
        pid, host = os.getpid(), socket.gethostname()
        self._entry = RunningService(pid=pid, host=host, started=_started(pid), **facts)
        self.path = home / FOLDER / f"{re.sub(r'[^A-Za-z0-9.-]', '_', host)}-{pid}.json"
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Writes the file and keeps it fresh.

        Raises:
            OSError: it cannot be written.
        """
        self.update()
        threading.Thread(target=self._beat, name="registration", daemon=True).start()

    def update(self, **changes: Any) -> None:
        """Updates some fields and writes the file."""
        with self._lock:
            self._entry = replace(self._entry, **changes)
            if not self._ended.is_set():
                write_text(json.dumps(asdict(self._entry), indent=1, sort_keys=True) + "\n", self.path)

    def remove(self) -> None:
        """Stops refreshing the file and removes it."""
        with self._lock:
            self._ended.set()
            self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            try:
                os.utime(self.path)
            except OSError:
                continue


def running_services(home: Path) -> list[RunningService]:
    """Every process of the home that is alive; files of those that are not are removed."""
    alive = []
    for path in sorted((home / FOLDER).glob("*.json")):
        try:
            service = RunningService(**json.loads(path.read_text(encoding="utf-8")))
            silent = time.time() - path.stat().st_mtime > SILENT_S
        except (OSError, ValueError, TypeError):  # just removed, or of another version
            continue
        is_local = service.host == socket.gethostname()
        if (is_local and _started(service.pid) != service.started) or (not is_local and silent):
            path.unlink(missing_ok=True)
        else:
            alive.append(service)
    return alive


def following(services: Sequence[RunningService], release: str) -> Following:
    """Which of these services have loaded a release."""
    supervisors = {(service.host, service.pid): service for service in services if service.role == SUPERVISOR}
    loaded, waiting, refused = [], [], {}
    for service in services:
        if service.role == SUPERVISOR or service.draining:
            continue
        parent = supervisors.get((service.host, service.supervisor or 0))
        if service.release == release:
            loaded.append(service.name)
        elif release in service.refused:
            refused[service.name] = service.refused[release]
        elif parent is not None and release in parent.refused:
            refused[service.name] = parent.refused[release]
        else:
            waiting.append(service.name)
    waiting += [service.name for service in supervisors.values() if service.starting == release]
    return Following(loaded, waiting, refused)


def wait_until_followed(
    home: Path,
    release: str,
    *,
    in_place_s: float = IN_PLACE_S,
    other_code_s: float = OTHER_CODE_S,
    pause: Callable[[float], None] = time.sleep,
) -> Following:
    """Waits until every running service has loaded or refused a release.

    in_place_s: how long at most while no supervisor starts other code for it; other_code_s: in all.
    """
    begun = idle_since = time.monotonic()
    while True:
        services = running_services(home)
        state = following(services, release)
        if any(service.starting == release for service in services):
            idle_since = time.monotonic()
        over = time.monotonic() - idle_since > in_place_s or time.monotonic() - begun > other_code_s
        if state.settled or over:
            return state
        pause(0.2)


def _started(pid: int) -> int:
    """The start of a process in ticks since boot; 0 when it is not there or a zombie (or there is no /proc)."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0 if Path("/proc/self/stat").exists() else _alive(pid)
    return 0 if words[0] == "Z" else int(words[19])


def _alive(pid: int) -> int:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return 0
    except PermissionError:
        return 1
    return 1
