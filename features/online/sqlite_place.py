"""An online namespace in a SQLite file of its own."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from features.files import locked, write_text
from features.online.feast_rows.sqlite_rows import SqliteRows
from features.online.online_place import WriteRefusedError
from features.resilience.outages import StoreUnavailableError

BUSY_S = 5
N_LOCKS = 64


class SqlitePlace:
    """One file a namespace, in WAL mode: readers and one writer do not wait for each other."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self.path = folder / f"{namespace}.db"
        self._locks = folder / f"{namespace}.locks"
        self._notes = folder / f"{namespace}.json"
        self.rows = SqliteRows(self.path, namespace, BUSY_S)

    def opened_again(self) -> SqlitePlace:
        return SqlitePlace(self.path.parent, self.path.stem)

    def settings(self) -> dict[str, Any]:
        return {"type": "sqlite", "path": str(self.path)}

    def prepare(self) -> None:
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()

    def connected(self, store: Any) -> None:
        """A commit need not reach the disk: what a power failure takes away comes again from the event log."""
        connection = store.provider.online_store._get_conn(store.config)
        connection.execute(f"PRAGMA busy_timeout={BUSY_S * 1000}")
        connection.execute("PRAGMA synchronous=NORMAL")

    @contextmanager
    def patient(self) -> Iterator[None]:
        yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"online store {self.path} cannot be read: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise WriteRefusedError(f"online store {self.path} cannot be written: {error}") from error

    @contextmanager
    def lock(self, user_id: str, wait_s: float) -> Iterator[None]:
        """Users share a few locks, so that one with very many new events keeps few others waiting."""
        path = self._locks / f"{zlib.crc32(user_id.encode()) % N_LOCKS:02d}"

        def refusal(_: str) -> WriteRefusedError:
            return WriteRefusedError(f"another process has held {path} for {wait_s} s")

        with ExitStack() as stack:
            with self.writing():
                stack.enter_context(locked(path, refusal, wait_s=wait_s, poll_s=0.002, note=False))
            yield

    def read_notes(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._notes.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def write_notes(self, notes: dict[str, Any]) -> None:
        write_text(json.dumps(notes, sort_keys=True) + "\n", self._notes)

    def drop(self) -> None:
        self.rows.close()
        self._notes.unlink(missing_ok=True)
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        shutil.rmtree(self._locks, ignore_errors=True)
        self.path.with_suffix(".lock").unlink(missing_ok=True)  # of namespaces made before there were several

    def close(self) -> None:
        self.rows.close()
