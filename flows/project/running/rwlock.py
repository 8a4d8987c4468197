"""DVC's rwlock: entries of processes that are gone are dropped, so that a run after a kill is not "busy"."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def free_rwlock(root: Path) -> None:
    """Removes DVC's rwlock unless a living process of DVC's or ours is named in it."""
    rwlock = root / ".dvc" / "tmp" / "rwlock"
    if rwlock.is_file() and not held_by_living(rwlock):
        rwlock.unlink(missing_ok=True)


def held_by_living(rwlock: Path) -> bool:
    """Whether any process named in DVC's rwlock still is a process of DVC's or ours (numbers are used again)."""
    try:
        holders = json.loads(rwlock.read_text(encoding="utf-8"))
    except ValueError:
        return False
    for pid in _pids(holders):
        if pid == os.getpid():
            continue
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().lower()
        except OSError:
            continue
        if b"dvc" in words or b"recops" in words or b"prefect" in words or b"flows" in words:
            return True
    return False


def _pids(holders: Any) -> Iterator[Any]:
    """Numbers of the processes that a rwlock names; what is not in DVC's form names none."""
    if not isinstance(holders, dict):
        return
    for kind in ("read", "write"):
        entries = holders.get(kind)
        for entry in entries.values() if isinstance(entries, dict) else ():
            for info in entry if isinstance(entry, list) else [entry]:
                if isinstance(info, dict):
                    yield info.get("pid")
