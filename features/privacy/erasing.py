"""Erasing from SQLite files: what is deleted leaves its bytes in the file until that is written anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

WAIT_S = 30.0


@contextmanager
def erasing(path: Path, wait_s: float = WAIT_S) -> Iterator[sqlite3.Connection]:
    """A connection for deletions and updates; at the end the file is written anew, without a byte of what it lost.

    `secure_delete` is not enough: pages that were split keep copies of keys. Others read meanwhile, and writers wait.

    Raises:
        sqlite3.Error: the file cannot be written, or others have used it for `wait_s`; doing the same again is safe.
    """
    with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None)) as connection:
        yield connection
        connection.execute("vacuum")
        (is_busy, *_) = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        if is_busy:
            raise sqlite3.OperationalError(f"others have used {path} for {wait_s} s, and it still holds erased rows")
