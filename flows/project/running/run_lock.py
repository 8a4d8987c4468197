"""The lock of a run: one writer a workspace, since DVC does not support two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.files import locked
from flows.orchestration.busy import BusyError

RUN_LOCK = Path(".dvc/tmp/recops-run.lock")


class _HeldError(Exception):
    """Another process, whose number is the message, holds the lock."""


@contextmanager
def hold(root: Path, *, wait_s: float) -> Iterator[None]:
    """Holds the workspace.

    Raises:
        BusyError: another run holds it for longer than `wait_s`.
    """
    with locked(root / RUN_LOCK, lambda holder: _busy(root, holder), wait_s=wait_s):
        yield


def holder_of(root: Path) -> str | None:
    """The number of the process whose run holds the workspace; None when there is none."""
    path = root / RUN_LOCK
    if not path.is_file():
        return None
    try:
        with locked(path, _HeldError, note=False):
            return None
    except _HeldError as held:
        return str(held)


def refuse_if_held(root: Path) -> None:
    """Asks without taking the lock: before anything is started.

    Raises:
        BusyError: another run holds the workspace.
    """
    if holder := holder_of(root):
        raise _busy(root, holder)


def _busy(root: Path, holder: str) -> BusyError:
    return BusyError(
        f"{root}: another run is under way here (process {holder}); wait for it to end, or use another clone"
    )
