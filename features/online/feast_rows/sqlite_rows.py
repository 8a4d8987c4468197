"""Rows of Feast's SQLite online store: one table a view, one line a value."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from features.online.feast_rows.stored_rows import NewRow
from features.online.feast_rows.stored_values import parsed

_COLUMNS = ("entity_key", "feature_name", "value", "value_text", "event_ts", "created_ts")
_KEY = 2  # so many of them are the key
MAPPED_BYTES = 2 << 30  # of the file: reads of it take no system call, and connections share its pages


class SqliteRows:
    """Rows of a namespace in a file of its own."""

    def __init__(self, path: Path, namespace: str, busy_s: float) -> None:
        """busy_s: how long a reader or writer waits for another writer."""
        self._path, self._namespace, self._busy_s = path, namespace, busy_s
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        self._opened()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, timeout=self._busy_s, check_same_thread=False)
            # a commit need not reach the disk: what a power failure takes away comes again from the event log
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
            self._connection = connection
        return self._connection

    def read(self, table: str, keys: Sequence[bytes], columns: Sequence[str]) -> list[dict[str, Any] | None]:
        lines = self._opened().execute(
            f"SELECT entity_key, feature_name, value FROM {self._name(table)} "
            f"WHERE entity_key IN ({_places(keys)}) AND feature_name IN ({_places(columns)})",
            (*keys, *columns),
        )
        rows: dict[bytes, dict[str, Any]] = {}
        for key, column, content in lines:
            rows.setdefault(key, {})[column] = parsed(content)
        return [rows.get(key) for key in keys]

    def held(self, table: str, key: bytes, columns: Sequence[str]) -> set[str]:
        (row,) = self.read(table, [key], columns)
        return set(row or ())

    def write(self, table: str, rows: Iterable[NewRow]) -> None:
        replaced = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[_KEY:])
        statement = (
            f"INSERT INTO {self._name(table)} ({', '.join(_COLUMNS)}) VALUES ({_places(_COLUMNS)}) "
            f"ON CONFLICT({', '.join(_COLUMNS[:_KEY])}) DO UPDATE SET {replaced}"
        )
        with self._opened() as connection:
            connection.executemany(statement, (line for row in rows for line in _lines(row)))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _name(self, table: str) -> str:
        return f'"{self._namespace}_{table}"'


def _places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _lines(row: NewRow) -> Iterable[tuple[Any, ...]]:
    """One line a value. Feast writes seconds of the instant in UTC taken for local time, and reads them likewise."""
    seconds = int(row.known_at.astimezone(UTC).replace(tzinfo=None).timestamp())
    for column, value in row.values.items():
        yield row.key, column, value.SerializeToString(), _text(value), seconds, seconds


def _text(value: Any) -> str | None:
    """What Feast's search by text finds: scalars, no lists."""
    kind = value.WhichOneof("val")
    return None if kind is None or kind.endswith("_list_val") else str(getattr(value, kind))
