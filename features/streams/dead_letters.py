"""Dead letters: what could not be recorded, kept in the event log's database with the reason; bounded."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from features.events.database import Database, Row, Statements
from features.events.make_tables import has_table, make_tables
from features.fields import unwritable
from features.resilience.repeats import RepeatLogger
from features.streams.intake import Refusal

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

TABLE = "dead_letters"
MOST = 10_000  # letters; beyond, the oldest are dropped
MOST_BYTES = 16_384  # of a body that are kept
_COLUMNS = "id, source, position, at, reason, field, user_id, body, encoding, n_bytes"


@dataclass(frozen=True)
class DeadLetter:
    """One letter. at: when it was refused [µs]; body: its first MOST_BYTES; n_bytes: how many it had."""

    id: str
    source: str
    position: str
    at: int
    reason: str
    field: str | None
    user_id: str | None
    body: bytes
    n_bytes: int

    @property
    def is_whole(self) -> bool:
        """Whether the body was short enough to be kept whole."""
        return len(self.body) == self.n_bytes


class DeadLetters:
    """The table; safe to use from several processes."""

    def __init__(self, database: Database, *, most: int = MOST) -> None:
        self._database, self._most = database, most
        self._made = False

    def add(self, source: str, refusals: Sequence[Refusal], at: int) -> int:
        """Keeps refusals, each position of a source once; how many were new.

        Raises:
            DatabaseError: none was kept.
        """
        if not refusals:
            return 0
        self._make()
        rows = [_row(source, refusal, at) for refusal in refusals]
        with self._database.transaction(write=True) as statements:
            before = _count(statements)
            statements.many(
                f"insert into {TABLE} ({_COLUMNS}) values ({', '.join('?' * 10)}) on conflict (id) do nothing", rows
            )
            n_letters = _count(statements)
            if n_letters > self._most:
                self._drop_oldest(statements, n_letters - self._most)
        return n_letters - before

    def letters(self, ids: Sequence[str] = (), limit: int = MOST) -> list[DeadLetter]:
        """The newest letters, oldest of them first; of these ids only, where there are any."""
        self._make()
        within = f"where id in ({', '.join('?' * len(ids))})" if ids else ""
        with self._database.transaction() as statements:
            rows = statements.execute(
                f"select {_COLUMNS} from {TABLE} {within} order by at desc, id desc limit ?", (*ids, limit)
            )
        return [_letter(row) for row in reversed(rows)]

    def count(self) -> int:
        """How many there are."""
        self._make()
        with self._database.transaction() as statements:
            return _count(statements)

    def remove(self, ids: Sequence[str]) -> None:
        """Deletes letters."""
        self._make()
        with self._database.transaction(write=True) as statements:
            for part in _parts(ids):
                statements.execute(f"delete from {TABLE} where id in ({', '.join('?' * len(part))})", part)

    def erase_user(self, user_id: str) -> int:
        """Deletes all letters of a user, and those that hold the id in a body that could not be read; how many.

        Raises:
            DatabaseError: the database refuses; sent again it erases what is left.
        """
        if not has_table(self._database, TABLE):
            return 0
        needles = {user_id.encode("utf-8", "surrogatepass"), json.dumps(user_id)[1:-1].encode()}
        with self._database.transaction(write=True) as statements:
            rows = statements.execute(f"select id from {TABLE} where user_id = ?", (user_id,))
            ids = [str(row[0]) for row in rows]
            unread = statements.execute(f"select id from {TABLE} where user_id is null")
            for part in _parts([str(row[0]) for row in unread], 100):
                marks = ", ".join("?" * len(part))
                for row in statements.execute(f"select {_COLUMNS} from {TABLE} where id in ({marks})", part):
                    letter = _letter(row)
                    if any(needle in letter.body for needle in needles) or user_id in letter.reason:
                        ids.append(letter.id)
            for part in _parts(ids):
                statements.execute(f"delete from {TABLE} where id in ({', '.join('?' * len(part))})", part)
        self._database.overwrite_erased()
        return len(ids)

    def _drop_oldest(self, statements: Statements, n_letters: int) -> None:
        statements.execute(
            f"delete from {TABLE} where id in (select id from {TABLE} order by at, id limit ?)", (n_letters,)
        )
        repeats.warning("more than %d dead letters: the oldest %d were dropped", self._most, n_letters)

    def _make(self) -> None:
        if self._made:
            return
        make_tables(self._database, TABLE, _tables())
        self._made = True


def _tables() -> list[str]:
    return [
        f"""create table if not exists {TABLE} (
            id text primary key, source text not null, position text not null, at bigint not null, reason text not null,
            field text, user_id text, body text not null, encoding text not null, n_bytes bigint not null)""",
        f"create index if not exists {TABLE}_by_time on {TABLE} (at, id)",
        f"create index if not exists {TABLE}_of_user on {TABLE} (user_id)",
    ]


def _row(source: str, refusal: Refusal, at: int) -> Row:
    text, encoding = _as_text(refusal.body[:MOST_BYTES])
    position = _printable(refusal.position)
    key = hashlib.sha256(f"{source}\n{position}".encode()).hexdigest()[:16]
    user_id = _printable(refusal.user_id) if refusal.user_id is not None else None
    field = _printable(refusal.field) if refusal.field is not None else None
    reason = _printable(refusal.reason)[:500]
    return (key, source, position, at, reason, field, user_id, text, encoding, len(refusal.body))


def _letter(row: Row) -> DeadLetter:
    key, source, position, at, reason, field, user_id, text, encoding, n_bytes = row
    body = text.encode() if encoding == "utf-8" else base64.b64decode(text)
    return DeadLetter(key, source, position, int(at), reason, field, user_id, body, int(n_bytes))


def _as_text(body: bytes) -> tuple[str, str]:
    """A body as text that every database holds, and how it was made."""
    if b"\x00" not in body:
        try:
            return body.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), "base64"


def _printable(text: str) -> str:
    """A text that every database holds and that breaks no line of a log."""
    return "".join(f"\\x{ord(c):02x}" if unwritable(c) else c for c in text)


def _count(statements: Statements) -> int:
    return int(statements.execute(f"select count(*) from {TABLE}")[0][0])


def _parts(ids: Sequence[str], size: int = 500) -> list[Sequence[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
