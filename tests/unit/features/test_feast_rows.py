"""Rows that are read and written without Feast are, byte by byte, what Feast reads and writes."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from features.online.feast_rows import entity_keys
from features.online.feast_rows.redis_rows import RedisRows
from features.online.feast_rows.sqlite_rows import SqliteRows
from features.online.feast_rows.stored_rows import NewRow
from features.online.feast_rows.stored_values import StoredValue, parsed
from features.online.rows import proto_of
from features.repo.store import feast

KNOWN_AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)
KEYS = [{"user_id": "u"}, {"user_id": "ü\x00 1"}, {"user_id": "u", "category": "Drama"}, {"user_id": ""}]
VALUES = [
    (pl.Float64, 0.1),
    (pl.Float64, 0.0),
    (pl.Int64, -7),
    (pl.Int64, 2**62),
    (pl.Int64, 0),
    (pl.Int64, None),
    (pl.List(pl.String), ["i1", "ü", ""]),
    (pl.List(pl.Int64), [1, -2, 2**62]),
    (pl.List(pl.Boolean), [True, False]),
    (pl.List(pl.Boolean), []),
    (pl.List(pl.String), None),
]


@pytest.fixture(scope="module", autouse=True)
def feast_is_imported():
    feast()


def of_feast(key: dict[str, str]):
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    return EntityKey(join_keys=list(key), entity_values=[Value(string_val=value) for value in key.values()])


def values_of_both() -> tuple[dict, dict]:
    """Ours and Feast's message of each value, under names of their own."""
    from feast.protos.feast.types.Value_pb2 import Value

    ours = {f"c{n}": proto_of(StoredValue, kind, value) for n, (kind, value) in enumerate(VALUES)}
    return ours, {f"c{n}": proto_of(Value, kind, value) for n, (kind, value) in enumerate(VALUES)}


def rows_of_both() -> tuple[list[NewRow], list[tuple]]:
    ours, feasts = values_of_both()
    new = [NewRow(entity_keys.encode(key), ours, KNOWN_AT + timedelta(hours=n)) for n, key in enumerate(KEYS)]
    at = [KNOWN_AT + timedelta(hours=n) for n in range(len(KEYS))]
    return new, [(of_feast(key), feasts, at[n], at[n]) for n, key in enumerate(KEYS)]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_has_the_bytes_of_feasts_key(key):
    from feast.infra.key_encoding_utils import serialize_entity_key

    encoded = entity_keys.encode(key)
    assert encoded == serialize_entity_key(of_feast(key), entity_key_serialization_version=3)
    assert entity_keys.decode(encoded) == key


@pytest.mark.parametrize("content", [b"", b"\x01", b"\x01\x00\x00\x00\x02", b"recops:r1:notes", b"\x01\x00\x00\x00"])
def test_other_bytes_are_no_key(content):
    with pytest.raises(ValueError):
        entity_keys.decode(content)


def test_a_key_of_feasts_with_a_number_is_not_one_of_ours():
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    numbered = EntityKey(join_keys=["user_id"], entity_values=[Value(int64_val=7)])
    with pytest.raises(ValueError):
        entity_keys.decode(serialize_entity_key(numbered, entity_key_serialization_version=3))


def test_values_have_the_bytes_of_feasts_values_and_are_read_from_them():
    ours, feasts = values_of_both()
    for name, value in ours.items():
        assert value.SerializeToString() == feasts[name].SerializeToString()
        again = parsed(feasts[name].SerializeToString())
        assert again == value
        assert again.WhichOneof("val") == feasts[name].WhichOneof("val")


def sqlite_store(path, view: str):
    """Feast's SQLite store with the table of one view."""
    from feast.infra.online_stores.sqlite import SqliteOnlineStore

    config = SimpleNamespace(
        project="ns",
        repo_path=None,
        entity_key_serialization_version=3,
        registry=SimpleNamespace(enable_online_feature_view_versioning=False),
        online_store=SimpleNamespace(type="sqlite", path=str(path), vector_enabled=False),
    )
    store, table = SqliteOnlineStore(), SimpleNamespace(name=view, features=[])
    store.update(config, [], [table], [], [], partial=False)
    return store, config, table


def lines(path) -> list[tuple]:
    with sqlite3.connect(path) as connection:
        found = connection.execute('select * from "ns_t" order by entity_key, feature_name').fetchall()
    connection.close()
    return found


def test_sqlite_holds_the_lines_that_feast_would_have_written(tmp_path):
    new, feasts = rows_of_both()
    store, config, table = sqlite_store(tmp_path / "feast.db", "t")
    store.online_write_batch(config, table, feasts, None)
    sqlite_store(tmp_path / "ours.db", "t")
    rows = SqliteRows(tmp_path / "ours.db", "ns", busy_s=5)
    rows.write("t", new)
    rows.write("t", new)  # the same rows again take the place of the first
    assert lines(tmp_path / "ours.db") == lines(tmp_path / "feast.db")
    assert len(lines(tmp_path / "ours.db")) == len(KEYS) * len(VALUES)
    rows.close()


def test_sqlite_rows_of_feast_are_read_in_the_order_of_the_keys(tmp_path):
    new, feasts = rows_of_both()
    store, config, table = sqlite_store(tmp_path / "feast.db", "t")
    store.online_write_batch(config, table, feasts[:2], None)
    rows = SqliteRows(tmp_path / "feast.db", "ns", busy_s=5)
    keys = [new[1].key, new[3].key, new[0].key]
    assert rows.read("t", keys, ("c0", "c7")) == [
        {"c0": new[1].values["c0"], "c7": new[1].values["c7"]},
        None,
        {"c0": new[0].values["c0"], "c7": new[0].values["c7"]},
    ]
    assert rows.held("t", new[0].key, ("c5", "c9", "other")) == {"c5", "c9"}
    assert rows.held("t", new[3].key, ("c5",)) == set()
    rows.close()


class OneHash:
    """A Redis of one process, as far as pipelines of HSET and HMGET go."""

    def __init__(self) -> None:
        self.hashes: dict[bytes, dict[bytes, bytes]] = {}

    def pipeline(self, transaction: bool):
        assert not transaction
        self.replies: list = []
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def hset(self, key, mapping):
        fields = {name.encode() if isinstance(name, str) else name: content for name, content in mapping.items()}
        self.hashes.setdefault(key, {}).update(fields)
        self.replies.append(len(mapping))

    def hmget(self, key, fields):
        names = [name.encode() if isinstance(name, str) else name for name in fields]
        self.replies.append([self.hashes.get(key, {}).get(name) for name in names])

    def execute(self):
        return self.replies


def redis_store(client: OneHash):
    """Feast's Redis store on a client of ours."""
    from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig

    store = RedisOnlineStore()
    store._client = client
    config = SimpleNamespace(
        project="ns",
        entity_key_serialization_version=3,
        registry=SimpleNamespace(enable_online_feature_view_versioning=False),
        online_store=RedisOnlineStoreConfig(skip_dedup=True),
    )
    features = [SimpleNamespace(name=f"c{n}") for n in range(len(VALUES))]
    return store, config, SimpleNamespace(name="t", features=features)


def test_redis_holds_the_hashes_that_feast_would_have_written():
    new, feasts = rows_of_both()
    by_feast, by_us = OneHash(), OneHash()
    store, config, table = redis_store(by_feast)
    store.online_write_batch(config, table, feasts, None)
    RedisRows(lambda: by_us, "ns").write("t", new)
    assert by_us.hashes == by_feast.hashes
    assert len(by_us.hashes) == len(KEYS)


def test_redis_rows_are_what_feast_reads():
    new, feasts = rows_of_both()
    client = OneHash()
    store, config, table = redis_store(client)
    store.online_write_batch(config, table, feasts[:2], None)
    keys = [of_feast(KEYS[1]), of_feast(KEYS[3])]
    columns = [f"c{n}" for n in range(len(VALUES))]
    expected = [values for _, values in store.online_read(config, table, keys, list(columns))]
    rows = RedisRows(lambda: client, "ns")
    found = rows.read("t", [new[1].key, new[3].key], columns)
    assert [list(row) for row in found] == [list(row) for row in expected]
    for row, row_of_feast in zip(found, expected, strict=True):
        assert [value.SerializeToString() for value in row.values()] == [
            value.SerializeToString() for value in row_of_feast.values()
        ]
    assert rows.held("t", new[0].key, ("c5", "c9", "other")) == {"c5", "c9"}
