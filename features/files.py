"""Atomic file writes and lock files between processes; imports nothing heavy."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path` to write to, which replaces `path` when the block succeeds.

    Its content is flushed first. When the block fails, `path` is as it was, and nothing is left beside it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield scratch
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(text: str, path: Path | str) -> None:
    """Writes a text file whole or not at all."""
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


@contextmanager
def locked(
    path: Path, refusal: Callable[[str], Exception], *, wait_s: float = 0.0, poll_s: float = 0.1, note: bool = True
) -> Iterator[None]:
    """Holds a lock file, one process at a time; the lock ends with the process, even when it is killed.

    refusal: the error to raise when another process has held it for `wait_s`, from the holder's number ("unknown"
    where it has left none); note: whether this process leaves its number for others to read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    lock.seek(0)
                    raise refusal(lock.read().strip() or "unknown") from None
                time.sleep(poll_s)
        if note:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        yield


def flush_folder(folder: Path) -> None:
    """What a folder lists is on the disk: names that were made, moved or removed in it outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
