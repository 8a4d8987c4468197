"""Texts that wait for an encoder, and their vectors: a bounded queue in the database, shared by all workers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from features.arrays import Float32
from features.events.database import Database
from features.events.make_tables import make_tables

TABLE = "item_texts"
MOST_WAITING = 10_000
_AT_ONCE = 500  # parameters of one statement


def key_of(encoder: str, text: str) -> str:
    """Of a text and the encoder that is to encode it."""
    return hashlib.sha256(f"{encoder}\0{text}".encode()).hexdigest()


class TextStore:
    """Texts by key; each is encoded once, however many workers want it."""

    def __init__(self, database: Database, most_waiting: int = MOST_WAITING) -> None:
        self.database, self.most_waiting = database, most_waiting
        self._made = False

    def want(self, texts: Mapping[str, str]) -> int:
        """Queues the texts (by key) that are not there yet; how many found no room in the queue."""
        self._make()
        missing = [key for key in sorted(texts) if key not in self._there(sorted(texts))]
        if not missing:
            return 0
        with self.database.transaction(write=True) as statements:
            waiting = int(
                statements.execute(f"select count(*) from {TABLE} where vector is null and fault is null")[0][0]
            )
            room = max(self.most_waiting - waiting, 0)
            rows = [(key, texts[key], None, None) for key in missing[:room]]
            statements.many(f"insert into {TABLE} values (?, ?, ?, ?) on conflict do nothing", rows)
        return len(missing) - len(rows)

    def waiting(self, limit: int = 128) -> list[tuple[str, str]]:
        """(key, text) of texts without a vector."""
        self._make()
        with self.database.transaction() as statements:
            rows = statements.execute(
                f"select key, text from {TABLE} where vector is null and fault is null order by key limit ?", (limit,)
            )
        return [(str(key), str(text)) for key, text in rows]

    def put(self, vectors: Mapping[str, Float32]) -> None:
        """Stores vectors, as the encoder gives them."""
        rows = [(base64.b64encode(vector.astype("<f4").tobytes()).decode(), key) for key, vector in vectors.items()]
        with self.database.transaction(write=True) as statements:
            statements.many(f"update {TABLE} set vector = ?, text = '' where key = ?", rows)

    def refuse(self, keys: Sequence[str], fault: str) -> None:
        """Notes why texts have no vector."""
        with self.database.transaction(write=True) as statements:
            statements.many(f"update {TABLE} set fault = ? where key = ?", [(fault, key) for key in keys])

    def vectors(self, keys: Sequence[str]) -> dict[str, Float32]:
        """Those that are there, by key."""
        self._make()
        return {
            key: np.frombuffer(base64.b64decode(row), dtype="<f4").astype(np.float32)
            for key, row, _ in self._rows(sorted(set(keys)), "vector is not null")
        }

    def faults(self, keys: Sequence[str]) -> dict[str, str]:
        """Why some texts have no vector, by key."""
        self._make()
        return {key: str(fault) for key, _, fault in self._rows(sorted(set(keys)), "fault is not null")}

    def _there(self, keys: Sequence[str]) -> set[str]:
        return {key for key, _, _ in self._rows(keys, "1 = 1")}

    def _rows(self, keys: Sequence[str], condition: str) -> list[tuple[str, str, str]]:
        rows = []
        with self.database.transaction() as statements:
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(part))
                rows += statements.execute(
                    f"select key, vector, fault from {TABLE} where key in ({marks}) and {condition}", part
                )
        return [(str(key), vector, fault) for key, vector, fault in rows]

    def _make(self) -> None:
        if self._made:
            return
        make_tables(
            self.database,
            TABLE,
            [
                f"create table if not exists {TABLE} "
                "(key varchar(64) primary key, text text not null, vector text, fault text)"
            ],
        )
        self._made = True
