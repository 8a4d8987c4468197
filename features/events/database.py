"""One SQL database behind the event log: SQLite (WAL, synchronous=FULL) or PostgreSQL, a connection for each thread."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from features.errors import UserError

Row = tuple[Any, ...]

WAIT_S = 30  # for another writer of a SQLite file


class Statements(Protocol):
    """What runs inside a transaction; `?` marks a parameter in both dialects."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def many(self, sql: str, rows: Sequence[Row]) -> None: ...


class DatabaseError(RuntimeError):
    """The database does not answer or refuses: nothing was written."""


class Database(Protocol):
    """Transactions of one database; safe to use from several threads and processes."""

    big_integer_key: str
    lock_the_schema: str
    has_table: str

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Statements]: ...

    def close(self) -> None: ...


def open_database(url: str) -> Database:
    """The database of a URL: `sqlite:///file` or `postgresql://…`.

    Raises:
        UserError: another kind of URL.
    """
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresDatabase(url)
    kind = url.split(":", 1)[0]
    raise UserError(
        f"RECOPS_DATABASE_URL: found '{kind}:…'; expected sqlite:///file or postgresql://user@host/name; set it anew"
    )


class SqliteDatabase:
    """A file; every commit is on the disk before it is acknowledged."""

    big_integer_key = "integer primary key"
    lock_the_schema = "select 1"
    has_table = "select 1 from sqlite_master where type = 'table' and name = ?"

    def __init__(self, path: Path) -> None:
        self.path = path
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
        except sqlite3.Error as error:
            raise DatabaseError(f"event log {self.path}: {error}") from error

    def close(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        found: tuple[int, sqlite3.Connection] | None = getattr(self._local, "found", None)
        if found is None or found[0] != os.getpid():  # a connection must not cross a fork
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            _use_wal(connection)
            connection.execute("pragma synchronous=full")
            found = (os.getpid(), connection)
            self._local.found = found
            self._opened.append(connection)
        return found[1]


def _use_wal(connection: sqlite3.Connection) -> None:
    """The file remembers the mode. While another connection writes in the old mode, as when several processes open a
    new file at once, SQLite refuses the change without waiting, whatever the connection's timeout."""
    deadline = time.monotonic() + WAIT_S
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


class PostgresDatabase:
    """A server; a connection that broke is opened anew at the next transaction."""

    big_integer_key = "bigint primary key"
    lock_the_schema = "select pg_advisory_xact_lock(733116)"  # `create if not exists` alone races between processes
    has_table = "select 1 from pg_class where oid = to_regclass(?)"

    def __init__(self, url: str) -> None:
        self.url = url
        self._local = threading.local()
        self._opened: list[Any] = []

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Statements]:
        import psycopg

        try:
            connection = self._connection()
            with connection.transaction():
                yield _PostgresStatements(connection)
        except psycopg.Error as error:
            raise DatabaseError(f"event log in PostgreSQL: {' '.join(str(error).split())}") from error

    def close(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def _connection(self) -> Any:
        import psycopg

        found: tuple[int, Any] | None = getattr(self._local, "found", None)
        if found is None or found[0] != os.getpid() or found[1].closed:
            connection = psycopg.connect(self.url, autocommit=True, connect_timeout=5)
            connection.execute("set synchronous_commit = on")
            found = (os.getpid(), connection)
            self._local.found = found
            self._opened = [opened for opened in self._opened if not opened.closed] + [connection]
        return found[1]


class _PostgresStatements:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        cursor = self._connection.execute(sql.replace("?", "%s"), values)
        return list(cursor.fetchall()) if cursor.description else []

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s"), rows)
