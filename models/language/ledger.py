"""Ledger: every answer in a journal on the disk before it counts, so that no end of the process pays for it twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from features.privacy.erasing import erasing
from models.language.writing.answers import ANSWERS

COLUMNS = tuple(ANSWERS.columns)
OF_USERS = ("profile",)
"""Parts whose subject is a user."""
INSTANTS = ("as_of", "answered_at")  # µs in the journal
_schema = """
create table if not exists answers (
    key text primary key, asker text not null, part text not null, subject text not null, as_of integer, answer text,
    valid integer not null, refusal text, n_requests integer not null, tokens_in integer not null,
    tokens_out integer not null, seconds real, price real, server text, answered_at integer not null)
"""


class Ledger:
    """The journal of one home: SQLite with write-ahead log, each row on the disk when `record` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=full")
        self._connection.execute(_schema)

    def record(self, row: dict[str, Any]) -> None:
        """One row of ANSWERS, instants in µs; a key that is there stays as it is."""
        marks = ", ".join("?" * len(COLUMNS))
        values = [row[name] for name in COLUMNS]
        self._connection.execute(f"insert or ignore into answers ({', '.join(COLUMNS)}) values ({marks})", values)

    def known_keys(self) -> set[str]:
        """Keys of all answers, refusals included."""
        return {key for (key,) in self._connection.execute("select key from answers")}

    def table(self) -> pl.DataFrame:
        """ANSWERS, in the order of their keys."""
        rows = self._connection.execute(f"select {', '.join(COLUMNS)} from answers order by key").fetchall()
        stored = {name: pl.Int64 if name in INSTANTS else kind for name, kind in ANSWERS.columns.items()}
        stored["valid"] = pl.Int64
        frame = pl.DataFrame(rows, schema=stored, orient="row")
        return ANSWERS.check(
            frame.select(pl.col(name).cast(kind) for name, kind in ANSWERS.columns.items()),
            source="the journal of answers",
        )

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def erase_user(path: Path, user_id: str) -> int:
    """Deletes what was said of a user; nothing of it is left in the file. Number of rows."""
    if not path.is_file() or not _has(path, user_id):
        return 0
    with erasing(path) as connection:
        return connection.execute(f"delete from answers where {_is_of_user}", (*OF_USERS, user_id)).rowcount


_is_of_user = f"part in ({', '.join('?' * len(OF_USERS))}) and subject = ?"


def _has(path: Path, user_id: str) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        found: Iterable[Any] = connection.execute(f"select 1 from answers where {_is_of_user}", (*OF_USERS, user_id))
        return any(found)
