"""Locks and leftovers: what a killed command left, and what a living one holds."""

from __future__ import annotations

from collections.abc import Iterator

from features.settings import Settings
from flows.health.findings import Finding
from flows.project.dataset import Project
from flows.project.running.run_lock import holder_of
from flows.project.running.rwlock import RWLOCK, left_behind


def check_locks(project: Project, settings: Settings) -> Iterator[Finding]:
    """The lock of a run, DVC's own lock file, and releases that never ended."""
    holder = holder_of(project.root)
    if holder:
        yield Finding("locks", "note", f"a run is under way here (process {holder})", "wait for it to end.")
    if left_behind(project.root):
        remedy = "the next `recops run` removes it; for `dvc` alone, remove the file."
        yield Finding("locks", "note", f"{RWLOCK} names processes that are no longer there", remedy)
    from flows.releasing.cleanup import unfinished

    for release in unfinished(settings):
        what = f"release {release} was begun and never finished"
        yield Finding("locks", "note", what, "the next `recops release` removes it, and so does `recops gc`.")
    if not holder:
        yield Finding("locks", "ok", "no run holds this project")
