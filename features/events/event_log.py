"""The event log: append-only storage of user events, each stored once and acknowledged when it is durable."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields

import polars as pl

from features.events.arrivals import clamp, next_arrival
from features.events.clock import FAR_US, SKEW_US, Horizon, SteadyClock, clock
from features.events.connecting import open_database
from features.events.database import (
    PATIENT,
    DatabaseError,
    Patience,
    Row,
    Statements,
    ValueRefusedError,
)
from features.events.make_tables import make_tables
from features.schema import INTERACTIONS
from features.table import type_of_time

__all__ = ["Appended", "DatabaseError", "Event", "EventLog", "NewEvent", "ValueRefusedError"]


@dataclass(frozen=True)
class NewEvent:
    """An event as it arrives. timestamp: when it happened [µs since 1970 UTC], None: when it is recorded.

    event_id: the sender's key; the same key is recorded once. None: every arrival is an event of its own.
    """

    user_id: str
    item_id: str
    event: str
    timestamp: int | None = None
    value: float | None = None
    event_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Event:
    """A recorded event: seq and known_at [µs] grow strictly, in the order in which events become visible."""

    seq: int
    event_id: str
    user_id: str
    item_id: str
    event: str
    timestamp: int
    value: float | None
    known_at: int
    request_id: str | None


@dataclass(frozen=True)
class Appended:
    """The result of appending one batch: its new events, and the number of duplicates."""

    events: tuple[Event, ...]
    n_duplicates: int


NEWEST_TABLE = "events_retired"  # a database that has it has all of them
COLUMNS = ", ".join(field.name for field in fields(Event))
_INSERT = f"insert into events ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "seq": pl.Int64,
    "event_id": pl.String,
    "user_id": pl.String,
    "item_id": pl.String,
    "event": pl.String,
    "timestamp": pl.Int64,
    "value": pl.Float64,
    "known_at": pl.Int64,
    "request_id": pl.String,
}


class EventLog:
    """Append-only log of user events.

    Several processes may append and read at once. Appends are serialized, so a reader that has read up to a seq never
    sees an older event appear later (a plain sequence would allow it).
    """

    def __init__(self, url: str, *, now: Callable[[], int] = clock, patience: Patience = PATIENT) -> None:
        self.database = open_database(url, patience)
        self._now = SteadyClock(now)
        self._horizon = Horizon()
        self._passed: int | None = None
        self._made = False

    def note_passed(self, instant: int) -> None:
        """Notes an instant [µs] that has certainly passed, such as a release's creation; an earlier clock is wrong."""
        self._passed = max(instant, self._passed or instant)
        self._horizon.note(instant)

    def now(self) -> int:
        """This instant [µs] by the clock, or by the newest event where the clock lies (at most a day) behind it."""
        wall = self._now()
        horizon = self._horizon.note(wall)
        return horizon if horizon <= wall + FAR_US else wall

    def latest(self) -> int:
        """The latest instant [µs] that an event may claim; it then counts as of its arrival.

        That is some minutes after now. Where the newest event shows that the clock is behind (or was ahead), the clock
        is no measure, and a day after the newest event is taken: true times are not refused.
        """
        wall = self._now()
        horizon = self._horizon.note(wall)
        return horizon + (SKEW_US if horizon <= wall + SKEW_US else FAR_US)

    def append(self, events: Sequence[NewEvent]) -> Appended:
        """Records what is new; returns when it is durable."""
        return self.append_batches([events])[0]

    def append_batches(self, batches: Sequence[Sequence[NewEvent]]) -> list[Appended]:
        """Records several batches in one commit; one answer a batch, none of them partly recorded.

        Raises:
            DatabaseError: nothing was recorded.
        """
        self._make()
        with self.database.transaction(write=True) as statements:
            # the row is the lock (PostgreSQL: until commit; SQLite: the transaction already holds it)
            locked = statements.execute("update event_state set seq = seq where id = 1 returning seq, known_at")
            seq, known_at = locked[0]
            recorded_ids = self._known(statements, [event.event_id for batch in batches for event in batch])
            answers = []
            for batch in batches:
                recorded = []
                for event in batch:
                    if event.event_id in recorded_ids:
                        continue
                    seq, known_at = seq + 1, next_arrival(statements, known_at, self._now(), self._passed)
                    event_id = event.event_id if event.event_id is not None else uuid.uuid4().hex
                    recorded_ids.add(event_id)
                    timestamp = known_at if event.timestamp is None else min(event.timestamp, known_at)
                    recorded.append(
                        Event(
                            seq,
                            event_id,
                            event.user_id,
                            event.item_id,
                            event.event,
                            timestamp,
                            event.value,
                            known_at,
                            event.request_id,
                        )
                    )
                answers.append(Appended(tuple(recorded), len(batch) - len(recorded)))
            rows = [astuple(event) for answer in answers for event in answer.events]
            if rows:
                statements.many(_INSERT, rows)
                statements.execute("update event_state set seq = ?, known_at = ? where id = 1", (seq, known_at))
        self._horizon.note(known_at)
        return answers

    def read(self, after_seq: int = 0, limit: int = 10_000) -> list[Event]:
        """Events after a seq, in order, at most `limit`."""
        return self._select("where seq > ? order by seq limit ?", (after_seq, limit))

    def of_user(self, user_id: str, after_seq: int = 0, limit: int = 1 << 62) -> list[Event]:
        """One user's events after a seq, in order, at most `limit`."""
        return self._select("where user_id = ? and seq > ? order by seq limit ?", (user_id, after_seq, limit))

    def rows(self, columns: Sequence[str], after_seq: int, limit: int, user_id: str | None = None) -> list[Row]:
        """Some columns of the events after a seq, of all users or of one, in order, at most `limit`."""
        self._make()
        of_user, values = ("user_id = ? and ", (user_id,)) if user_id is not None else ("", ())
        sql = f"select {', '.join(columns)} from events where {of_user}seq > ? order by seq limit ?"
        return self.database.select(sql, (*values, after_seq, limit))

    def users(self, prefix: str = "", limit: int = 50) -> list[str]:
        """User ids of the log that begin with `prefix`, sorted; one step of the index an id, however many events."""
        self._make()
        column = self.database.sorted_user
        within = f"{column} >= ? and {column} < ?" if prefix else f"{column} >= ?"
        bounds = (prefix, prefix + chr(0x10FFFF)) if prefix else ("",)
        with self.database.transaction() as statements:
            rows = statements.execute(
                f"with recursive ids (id) as (select min({column}) from events where {within} union all "
                f"select (select min({column}) from events where {column} > ids.id and {within}) from ids "
                f"where ids.id is not null) select id from ids where id is not null limit ?",
                (*bounds, *bounds, limit),
            )
        return [row[0] for row in rows]

    def last_seq(self) -> int:
        """The newest event's seq, 0 when there is none."""
        self._make()
        with self.database.transaction() as statements:
            return int(statements.execute("select seq from event_state where id = 1")[0][0])

    def count(self) -> int:
        """How many events are recorded."""
        self._make()
        with self.database.transaction() as statements:
            return int(statements.execute("select count(*) from events")[0][0])

    def frame(self, after_seq: int = 0, through_seq: int | None = None) -> pl.DataFrame:
        """Events as rows, in order of seq (columns of SCHEMA; times in µs)."""
        through = self.last_seq() if through_seq is None else through_seq
        events = self._select("where seq > ? and seq <= ? order by seq", (after_seq, through))
        return pl.DataFrame([astuple(event) for event in events], schema=dict(SCHEMA), orient="row")

    def to_interactions(self, after_seq: int = 0) -> tuple[pl.DataFrame, int]:
        """INTERACTIONS rows and `seq` of the events after a seq, and the seq reached: the next export starts there."""
        through = self.last_seq()
        return as_interactions(self.frame(after_seq, through)), through

    def retired_through(self) -> int:
        """The last event that has left the database (features/events/shards.py), 0 when none has."""
        return max((last for _, last, _ in self.retired()), default=0)

    def retired(self) -> list[tuple[int, int, str]]:
        """First and last seq and digest of what has left the database, in order."""
        self._make()
        with self.database.transaction() as statements:
            rows = statements.execute("select first_seq, last_seq, digest from events_retired order by first_seq")
        return [(int(first), int(last), str(digest)) for first, last, digest in rows]

    def last_known_before(self, instant: int) -> int:
        """The newest event of the database that was known before an instant [µs]; 0 when there is none."""
        self._make()
        with self.database.transaction() as statements:
            rows = statements.execute("select max(seq) from events where known_at < ?", (instant,))
        return int(rows[0][0] or 0)

    def retire(self, first: int, last: int, digest: str) -> None:
        """Removes the events first..last, which shards hold, and keeps their digest."""
        self._make()
        with self.database.transaction(write=True) as statements:
            statements.execute("insert into events_retired values (?, ?, ?)", (first, last, digest))
            statements.execute("delete from events where seq <= ?", (last,))

    def put_back(self, events: Sequence[Event]) -> None:
        """Records events that shards hold and the database does not, under the numbers that they had."""
        self._make()
        first, newest = min(event.seq for event in events), max(events, key=lambda event: event.seq)
        with self.database.transaction(write=True) as statements:
            statements.many(_INSERT, [astuple(event) for event in events])
            statements.execute("delete from events_retired where last_seq >= ?", (first,))
            statements.execute(
                "update event_state set seq = ?, known_at = ? where id = 1 and seq < ?",
                (newest.seq, newest.known_at, newest.seq),
            )

    def close(self) -> None:
        self.database.close()

    def _select(self, rest: str, values: Sequence[object]) -> list[Event]:
        self._make()
        with self.database.transaction() as statements:
            return [Event(*row) for row in statements.execute(f"select {COLUMNS} from events {rest}", values)]

    def _known(self, statements: Statements, event_ids: Sequence[str | None]) -> set[str]:
        """The ids that are already in the database."""
        distinct = sorted({event_id for event_id in event_ids if event_id is not None})
        recorded: set[str] = set()
        for start in range(0, len(distinct), 500):
            part = distinct[start : start + 500]
            marks = ", ".join("?" * len(part))
            recorded |= {
                row[0] for row in statements.execute(f"select event_id from events where event_id in ({marks})", part)
            }
        return recorded

    def _make(self) -> None:
        if self._made:
            return
        if make_tables(self.database, NEWEST_TABLE, _tables(self.database.big_integer_key, self.database.id_text)):
            self._horizon.note(self.database.select("select known_at from event_state where id = 1")[0][0])
        self._made = True


def as_interactions(events: pl.DataFrame) -> pl.DataFrame:
    """INTERACTIONS rows of events (columns of SCHEMA), and `seq`; none is known later than one that came after it."""
    times = pl.col("timestamp", "known_at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(type_of_time)
    return clamp(events).with_columns(times).select(*INTERACTIONS.columns, "seq")


def _tables(big_integer_key: str, id_text: str) -> list[str]:
    return [
        f"""create table if not exists events (
            seq {big_integer_key}, event_id text not null unique, user_id {id_text} not null, item_id text not null,
            event text not null, timestamp bigint not null, value double precision, known_at bigint not null,
            request_id text)""",
        "create index if not exists events_of_user on events (user_id, seq)",
        f"create table if not exists event_state (id {big_integer_key}, seq bigint not null, known_at bigint not null)",
        f"""create table if not exists events_retired (
            first_seq {big_integer_key}, last_seq bigint not null, digest text not null)""",
        "insert into event_state (id, seq, known_at) values (1, 0, 0) on conflict do nothing",
    ]
