"""Conversations: the memory of each, in SQLite below the home, bounded in number, size and age."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from features.arrays import MICROSECONDS_A_DAY
from features.privacy.erasing import erasing
from models.language.intent.intent import Memory

MOST_OF_USER, MOST = 20, 50_000  # conversations that are kept, the newest ones
LOOK_EVERY = 50  # writes between two looks for what is too old or too many
_schema = """
create table if not exists conversations (
    conversation_id text primary key, user_id text not null, memory text not null, changed_at integer not null)
"""


class Conversations:
    """The conversations of one home. days: after which one that nobody went on with is forgotten.

    Safe to use from several threads and processes; the file is made when the first one begins.
    """

    def __init__(self, path: Path, days: float) -> None:
        self._path, self._age = path, round(days * MICROSECONDS_A_DAY)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._n_writes = 0

    def read(self, conversation_id: str, user_id: str, at: int) -> Memory | None:
        """What is remembered at an instant [µs]; None: it is unknown, forgotten, or of somebody else."""
        with self._lock:
            if self._connection is None and not self._path.is_file():
                return None
            rows = self._open().execute(
                "select memory from conversations where conversation_id = ? and user_id = ? and changed_at > ?",
                (conversation_id, user_id, at - self._age),
            )
            row = rows.fetchone()
        try:
            return None if row is None else Memory.model_validate_json(row[0])
        except ValidationError:  # of other code
            return None

    def write(self, conversation_id: str, user_id: str, memory: Memory, at: int) -> None:
        """Remembers a conversation as it is at an instant [µs]."""
        with self._lock:
            connection = self._open()
            connection.execute(
                "insert into conversations (conversation_id, user_id, memory, changed_at) values (?, ?, ?, ?) "
                "on conflict (conversation_id) do update set memory = excluded.memory, "
                "changed_at = excluded.changed_at "
                "where user_id = excluded.user_id",
                (conversation_id, user_id, memory.model_dump_json(), at),
            )
            connection.execute(
                "delete from conversations where user_id = ? and conversation_id not in (select conversation_id from "
                "conversations where user_id = ? order by changed_at desc limit ?)",
                (user_id, user_id, MOST_OF_USER),
            )
            if self._n_writes % LOOK_EVERY == 0:
                connection.execute("delete from conversations where changed_at <= ?", (at - self._age,))
                connection.execute(
                    "delete from conversations where conversation_id in (select conversation_id from conversations "
                    "order by changed_at desc limit -1 offset ?)",
                    (MOST,),
                )
            self._n_writes += 1

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            self._connection.execute("pragma journal_mode=wal")
            self._connection.execute("pragma secure_delete=on")
            self._connection.execute(_schema)
            self._connection.execute("create index if not exists of_user on conversations (user_id, changed_at)")
        return self._connection


def new_conversation_id() -> str:
    """An id that nobody guesses."""
    return uuid.uuid4().hex


def erase_conversations(path: Path, user_id: str) -> int:
    """Deletes a user's conversations; nothing of them is left in the file. Number of conversations."""
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        n_found = connection.execute("select count(*) from conversations where user_id = ?", (user_id,)).fetchone()[0]
    if not n_found:
        return 0
    with erasing(path) as connection:
        return connection.execute("delete from conversations where user_id = ?", (user_id,)).rowcount
