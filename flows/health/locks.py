"""Locks and leftovers: what a killed command left, and what a living one holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from features.errors import UserError
from features.files import locked
from features.settings import Settings
from flows.health.findings import Finding
from flows.project.dataset import Project
from flows.project.running.rwlock import held_by_living

RUN_LOCK = Path(".dvc/tmp/recops-run.lock")
RWLOCK = Path(".dvc/tmp/rwlock")


class _HeldError(Exception):
    """Another process, whose number is the message, holds the lock."""


def check_locks(project: Project, settings: Settings) -> Iterator[Finding]:
    """The lock of a run, DVC's own lock file, and releases that never ended."""
    holder = running_process(project)
    if holder:
        yield Finding("locks", "note", f"a run is under way here (process {holder})", "wait for it to end.")
    rwlock = project.root / RWLOCK
    if _names_somebody(rwlock) and not held_by_living(rwlock):
        remedy = "the next `recops run` removes it; for `dvc` alone, remove the file."
        yield Finding("locks", "note", f"{RWLOCK} names processes that are no longer there", remedy)
    from flows.releasing.cleanup import unfinished

    for release in unfinished(settings):
        what = f"release {release} was begun and never finished"
        yield Finding("locks", "note", what, "the next `recops release` removes it, and so does `recops gc`.")
    if not holder:
        yield Finding("locks", "ok", "no run holds this project")


def refuse_beside_another(project: Project) -> None:
    """Before a run starts anything.

    Raises:
        UserError: another run holds the project.
    """
    if holder := running_process(project):
        raise UserError(
            f"{project.root}: another run is under way here (process {holder}); wait for it to end, "
            "or use another clone"
        )


def running_process(project: Project) -> str | None:
    """The number of the process whose run holds the project; None when there is none."""
    path = project.root / RUN_LOCK
    if not path.is_file():
        return None
    try:
        with locked(path, _HeldError, note=False):
            return None
    except _HeldError as held:
        return str(held)


def _names_somebody(rwlock: Path) -> bool:
    try:
        content = json.loads(rwlock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return bool(content.get("read") or content.get("write"))
