"""PostgreSQL behind the event log."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from features.events.database import PATIENT, DatabaseError, Patience, Row, Statements, ValueRefusedError
from features.resilience.outages import Outage, StoreUnavailableError

CONNECT_S = 2  # libpq takes no less


class PostgresDatabase:
    """A server; a connection that broke is opened anew at the next transaction.

    With a time limit it also detects a server that keeps the connection open but does not answer; from then on every
    transaction fails at once until a probe succeeds.
    """

    big_integer_key = "bigint primary key"
    id_text = 'text collate "C"'  # ids that begin alike stand together in the index, whatever the server's language
    sorted_user = 'user_id collate "C"'
    lock_the_schema = "select pg_advisory_xact_lock(733116)"  # `create if not exists` alone races between processes
    is_local = False
    has_table = "select 1 from pg_class where oid = to_regclass(?)"

    def __init__(self, url: str, patience: Patience = PATIENT) -> None:
        self.url, self._patience = url, patience
        self._local = threading.local()
        self._opened: list[Any] = []
        self._outage = Outage("the event log (PostgreSQL)", self._probe, _is_outage)

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Statements]:
        try:
            with self._outage.guard():
                connection = self._connection()
                self._limit(connection, self._patience.write_s if write else self._patience.read_s)
                with connection.transaction():
                    yield _PostgresStatements(connection)
        except psycopg.DataError as error:
            raise ValueRefusedError(" ".join(str(error).split())) from error
        except (psycopg.Error, StoreUnavailableError) as error:
            raise DatabaseError(f"event log in PostgreSQL: {' '.join(str(error).split())}") from error

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self.transaction() as statements:
            return statements.execute(sql, values)

    def overwrite_erased(self) -> None:
        return None

    def close(self) -> None:
        self._outage.close()
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def _connection(self) -> Any:
        current: tuple[int, Any] | None = getattr(self._local, "current", None)
        if current is not None and current[0] == os.getpid() and _was_ended(current[1]):
            current[1].close()
        if current is None or current[0] != os.getpid() or current[1].closed:
            connection = _connect(self.url)
            connection.execute("set synchronous_commit = on")
            current = (os.getpid(), connection)
            self._local.current = current
            self._opened = [opened for opened in self._opened if not opened.closed] + [connection]
        return current[1]

    def _limit(self, connection: Any, limit_s: float | None) -> None:
        """Sets the server's statement timeout; a client whose server does not answer stops waiting a little later."""
        if self._patience.read_s is None or connection.limit_s == limit_s:
            return
        connection.limit_s = limit_s
        connection.execute(f"set statement_timeout = {round((limit_s or 0) * 1000)}")

    def _probe(self) -> None:
        with _connect(self.url) as connection:
            connection.limit_s = CONNECT_S
            connection.execute("select 1")


class _Connection(psycopg.Connection[Any]):
    """A connection that fails when the server is silent for longer than `limit_s` and the time to cancel."""

    limit_s: float | None = None

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        if self.limit_s is None:
            return super().wait(gen, *arguments, **options)
        try:
            return super().wait(_until(gen, self.limit_s + 0.2), *arguments, **options)
        except _SilentError:
            self.close()  # a late answer must not be read as that of the next statement
            raise


class _SilentError(psycopg.OperationalError):
    pass


def _until(gen: Any, limit_s: float) -> Any:
    """Wraps a generator of psycopg, resumed every 0.1 s, with a deadline."""
    deadline = time.monotonic() + limit_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= deadline:
                raise _SilentError(f"no answer within {limit_s:.1f} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def _connect(url: str) -> _Connection:
    return _Connection.connect(url, autocommit=True, connect_timeout=CONNECT_S)


def _was_ended(connection: _Connection) -> bool:
    """Whether the server has closed a connection that nobody used: an idle one has nothing to read but its end."""
    return not connection.closed and bool(select.select([connection.fileno()], [], [], 0)[0])


def _is_outage(error: Exception) -> bool:
    """Whether the server is away; one that cancels a slow statement or resolves a deadlock is there."""
    there = (errors.QueryCanceled, errors.LockNotAvailable, errors.TransactionRollback)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not isinstance(error, there)


class _PostgresStatements:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        cursor = self._connection.execute(sql.replace("?", "%s"), values)
        return list(cursor.fetchall()) if cursor.description else []

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s"), rows)
