"""The item log: changes of items, numbered in the order in which they were recorded, acknowledged when durable."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.catalogue_changes.item import ItemState, NewItem, as_text, merged
from features.events.clock import SteadyClock, clock
from features.events.database import Database, Row, Statements
from features.events.make_tables import make_tables

TABLE = "item_change_state"  # a database that has it has both tables
_AT_ONCE = 500  # parameters of one statement
_LATEST = (
    "select c.item_id, n.first_seq, c.seq, c.known_at, c.content, c.deleted from item_changes c join "
    "(select item_id, min(seq) as first_seq, max(seq) as last_seq from item_changes {where} group by item_id) n "
    "on c.seq = n.last_seq order by n.first_seq"
)


@dataclass(frozen=True)
class Posted:
    """What became of one posted or deleted item: its state, and whether the request changed it."""

    state: ItemState
    changed: bool


class ItemLog:
    """Append-only log of changes of items, in the database of the event log.

    Several processes may write and read at once. Writes are serialized, so a reader that has read up to a seq never
    sees an older change appear later.
    """

    def __init__(self, database: Database, *, now: Callable[[], int] = clock) -> None:
        self.database = database
        self._now = SteadyClock(now)
        self._made = False

    def post(self, items: Sequence[NewItem]) -> list[Posted]:
        """Records what changes an item, all in one commit; returns when it is durable. Of several changes of one item
        each builds on the one before.

        Raises:
            DatabaseError: nothing was recorded.
        """
        return self._record([(item, False) for item in items])

    def delete(self, item_id: str) -> Posted:
        """The item is offered no more and what was posted of it is forgotten; posted again, it starts anew.

        Raises:
            DatabaseError: nothing was recorded.
        """
        return self._record([(NewItem(item_id), True)])[0]

    def last_seq(self) -> int:
        """Number of the newest change, 0 when there is none."""
        self._make()
        return int(self.database.select(f"select seq from {TABLE} where id = 1")[0][0])

    def states(self, after_seq: int = 0) -> list[ItemState]:
        """The state of every item that has changed after a seq, in the order of the items' first changes ever."""
        self._make()
        changed = "where item_id in (select item_id from item_changes where seq > ?)"
        where, values = (changed, (after_seq,)) if after_seq else ("", ())
        with self.database.transaction() as statements:
            rows = statements.execute(_LATEST.format(where=where), values)
        return [_state(row) for row in rows]

    def state(self, item_id: str) -> ItemState | None:
        """The state of one item; None where the log does not know it."""
        self._make()
        with self.database.transaction() as statements:
            return self._known(statements, [item_id]).get(item_id)

    def _record(self, changes: Sequence[tuple[NewItem, bool]]) -> list[Posted]:
        self._make()
        with self.database.transaction(write=True) as statements:
            # the row is the lock (PostgreSQL: until commit; SQLite: the transaction already holds it)
            locked = statements.execute(f"update {TABLE} set seq = seq where id = 1 returning seq, known_at")
            seq, known_at = locked[0]
            states = self._known(statements, [item.item_id for item, _ in changes])
            posted, rows = [], []
            for item, deleted in changes:
                before = states.get(item.item_id)
                kept = before.fields if before is not None and not before.deleted else {}
                fields = {} if deleted else merged(kept, item.fields)
                changed = before is None or before.deleted != deleted or as_text(before.fields) != as_text(fields)
                if before is None or changed:
                    seq, known_at = seq + 1, max(known_at + 1, self._now())
                    first_seq = before.first_seq if before else seq
                    before = ItemState(item.item_id, first_seq, seq, known_at, fields, deleted)
                    rows.append((seq, item.item_id, as_text(fields), int(deleted), known_at))
                    states[item.item_id] = before
                posted.append(Posted(before, changed))
            if rows:
                statements.many("insert into item_changes values (?, ?, ?, ?, ?)", rows)
                statements.execute(f"update {TABLE} set seq = ?, known_at = ? where id = 1", (seq, known_at))
        return posted

    def _known(self, statements: Statements, item_ids: Sequence[str]) -> dict[str, ItemState]:
        distinct = sorted(set(item_ids))
        states: dict[str, ItemState] = {}
        for start in range(0, len(distinct), _AT_ONCE):
            part = distinct[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            where = f"where item_id in ({marks})"
            rows = statements.execute(_LATEST.format(where=where), part)
            states |= {row[0]: _state(row) for row in rows}
        return states

    def _make(self) -> None:
        if self._made:
            return
        make_tables(self.database, TABLE, _tables(self.database.big_integer_key, self.database.id_text))
        self._made = True


def _state(row: Row) -> ItemState:
    item_id, first_seq, seq, known_at, content, deleted = row
    return ItemState(str(item_id), int(first_seq), int(seq), int(known_at), json.loads(content), bool(deleted))


def _tables(big_integer_key: str, id_text: str) -> list[str]:
    return [
        f"""create table if not exists item_changes (
            seq {big_integer_key}, item_id {id_text} not null, content text not null, deleted integer not null,
            known_at bigint not null)""",
        "create index if not exists changes_of_item on item_changes (item_id, seq)",
        f"create table if not exists {TABLE} (id {big_integer_key}, seq bigint not null, known_at bigint not null)",
        f"insert into {TABLE} (id, seq, known_at) values (1, 0, 0) on conflict do nothing",
    ]
