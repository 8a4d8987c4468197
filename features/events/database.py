"""One SQL database behind the event log, a connection for each thread: SQLite (WAL, synchronous=FULL) or PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from features.privacy.erasing import erasing

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Patience:
    """Timeouts for the database. read_s: for the rows of a query (None: as long as it takes); write_s: for
    other writers, and for each statement that writes."""

    read_s: float | None = None
    write_s: float = 30.0


PATIENT = Patience()
SERVING = Patience(read_s=0.5, write_s=5.0)


class Statements(Protocol):
    """What runs inside a transaction; `?` marks a parameter in both dialects."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def many(self, sql: str, rows: Sequence[Row]) -> None: ...


class DatabaseError(RuntimeError):
    """The database does not answer or refuses the transaction: nothing was written."""


class ValueRefusedError(ValueError):
    """The database cannot hold a value (PostgreSQL: a text with a NUL in it): the sender's fault."""


class Database(Protocol):
    """Transactions of one database; safe to use from several threads and processes."""

    big_integer_key: str
    id_text: str
    sorted_user: str
    lock_the_schema: str
    has_table: str
    is_local: bool  # a look at it waits for no network

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Statements]: ...

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of one statement that only reads; a look at a local log takes a third of a transaction's time.

        Raises:
            DatabaseError, ValueRefusedError: as in a transaction.
        """
        ...

    def overwrite_erased(self) -> None:
        """What was deleted or changed before leaves no bytes in the files (a server does that in its own time).

        Raises:
            DatabaseError: others have used the file for too long; to be done again.
        """
        ...

    def close(self) -> None: ...


class SqliteDatabase:
    """A file; every commit is on the disk before it is acknowledged."""

    big_integer_key = "integer primary key"
    id_text = "text"
    sorted_user = "user_id"
    lock_the_schema = "select 1"
    is_local = True
    has_table = "select 1 from sqlite_master where type = 'table' and name = ?"

    def __init__(self, path: Path, patience: Patience = PATIENT) -> None:
        self.path, self._wait_s = path, patience.write_s
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Statements]:
        try:
            connection = self._connection()
            connection.execute("begin immediate" if write else "begin")
            try:
                yield _SqliteStatements(connection)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        except (UnicodeEncodeError, OverflowError, sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._connection().execute(sql, values).fetchall()
        except (UnicodeEncodeError, OverflowError, sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> Exception:
        """What the log's users are told of an error of SQLite or of the disk."""
        if isinstance(error, UnicodeEncodeError | OverflowError):
            return ValueRefusedError(str(error))
        return DatabaseError(f"event log {self.path}: {error}")

    def overwrite_erased(self) -> None:
        try:
            with erasing(self.path, self._wait_s):
                pass
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def close(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        opened: tuple[int, sqlite3.Connection] | None = getattr(self._local, "opened", None)
        if opened is None or opened[0] != os.getpid():  # a connection must not cross a fork
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=self._wait_s, isolation_level=None, check_same_thread=False)
            _use_wal(connection, self._wait_s)
            connection.execute("pragma synchronous=full")
            opened = (os.getpid(), connection)
            self._local.opened = opened
            self._opened.append(connection)
        return opened[1]


def _use_wal(connection: sqlite3.Connection, wait_s: float) -> None:
    """The file remembers the mode. While another connection writes in the old mode, as when several processes open a
    new file at once, SQLite refuses the change without waiting, whatever the connection's timeout."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("pragma journal_mode=wal")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte: extended codes lie above it
            if not busy or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


class _SqliteStatements:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        self._connection.executemany(sql, rows)
