"""DVC's rwlock: entries of processes that are gone are dropped, so that a run after a kill is not "busy"."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.resilience.lifetime import command_line

RWLOCK = Path(".dvc/tmp/rwlock")
PROGRAMS = ("dvc", "recops", "prefect", "flows")


def free_rwlock(root: Path) -> None:
    """Removes DVC's rwlock unless a living process of DVC's or ours is named in it."""
    rwlock = root / RWLOCK
    if rwlock.is_file() and not held_by_living(rwlock):
        rwlock.unlink(missing_ok=True)


def left_behind(root: Path) -> bool:
    """Whether DVC's rwlock names processes, or cannot be read, and no living process holds it."""
    rwlock = root / RWLOCK
    if not rwlock.is_file():
        return False
    content = _content(rwlock)
    return (content is None or any(True for _ in _pids(content))) and not held_by_living(rwlock)


def held_by_living(rwlock: Path) -> bool:
    """Whether any process named in DVC's rwlock still is a process of DVC's or ours (numbers are used again)."""
    return any(
        pid != os.getpid() and any(program in command_line(pid).lower() for program in PROGRAMS)
        for pid in _pids(_content(rwlock))
    )


def _content(rwlock: Path) -> Any:
    """What the file holds; None where it is no JSON."""
    try:
        return json.loads(rwlock.read_text(encoding="utf-8"))
    except ValueError:
        return None


def _pids(content: Any) -> Iterator[Any]:
    """Numbers of the processes that a rwlock names; what is not in DVC's form names none."""
    if not isinstance(content, dict):
        return
    for kind in ("read", "write"):
        entries = content.get(kind)
        for entry in entries.values() if isinstance(entries, dict) else ():
            for info in entry if isinstance(entry, list) else [entry]:
                if isinstance(info, dict):
                    yield info.get("pid")
