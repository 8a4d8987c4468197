"""Rows of Feast's Redis online store: one hash a key, one field a value of each view."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from features.online.feast_rows.stored_rows import NewRow
from features.online.feast_rows.stored_values import parsed


class RedisRows:
    """Rows of a namespace: hashes whose keys end with its name."""

    def __init__(self, client: Callable[[], Any], namespace: str) -> None:
        """client: gives the connections, which may be others after an outage."""
        self._client, self._ending = client, namespace.encode()

    def open(self) -> None:
        self._client()

    def read(self, table: str, keys: Sequence[bytes], columns: Sequence[str]) -> list[dict[str, Any] | None]:
        return [
            {column: parsed(content) for column, content in zip(columns, contents, strict=True)}
            for contents in self._contents(table, keys, columns)
        ]

    def held(self, table: str, key: bytes, columns: Sequence[str]) -> set[str]:
        (contents,) = self._contents(table, [key], columns)
        return {column for column, content in zip(columns, contents, strict=True) if content is not None}

    def write(self, table: str, rows: Iterable[NewRow]) -> None:
        from google.protobuf.timestamp_pb2 import Timestamp

        with self._client().pipeline(transaction=False) as pipe:
            for row in rows:
                stamp = Timestamp()
                stamp.FromDatetime(row.known_at)
                fields: dict[Any, bytes] = {f"_ts:{table}": stamp.SerializeToString()}
                fields |= {_field(table, column): value.SerializeToString() for column, value in row.values.items()}
                pipe.hset(row.key + self._ending, mapping=fields)
            pipe.execute()

    def close(self) -> None:
        """The connections are not this object's."""

    def _contents(self, table: str, keys: Sequence[bytes], columns: Sequence[str]) -> list[list[bytes | None]]:
        fields = [_field(table, column) for column in columns]
        with self._client().pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key + self._ending, fields)
            return list(pipe.execute())


def _field(table: str, column: str) -> bytes:
    """A view's feature as Feast names it in a hash."""
    import mmh3

    return struct.pack("<I", mmh3.hash(f"{table}:{column}", signed=False))
