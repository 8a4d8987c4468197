"""Where an online namespace lives, SQLite or Redis: its settings for Feast, its locks, its notes, its end."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

from features.errors import UserError
from features.files import write_text


class OnlinePlace(Protocol):
    """What a kind of online store has to offer."""

    def settings(self) -> dict[str, Any]:
        """Feast's section `online_store`."""

    def prepare(self) -> None:
        """Called once, when the namespace has been made."""

    def connected(self, store: Any) -> None:
        """Called when a process has opened the namespace."""

    def lock(self, user_id: str) -> Any:
        """A context in which no other process changes this user's rows."""

    def read_notes(self) -> dict[str, Any] | None:
        """What `write_notes` wrote, None before that."""

    def write_notes(self, notes: dict[str, Any]) -> None: ...

    def drop(self) -> None:
        """Removes every row and note; nothing is there: no error."""


def place(online_store: str, folder: Path, namespace: str) -> OnlinePlace:
    """By the setting RECOPS_ONLINE_STORE."""
    if online_store == "sqlite":
        return SqlitePlace(folder, namespace)
    if online_store.startswith(("redis://", "rediss://")):
        return RedisPlace(online_store, namespace)
    raise UserError(
        f"RECOPS_ONLINE_STORE is '{online_store.partition('://')[0]}', expected 'sqlite' or 'redis://host:port/number'"
    )


class SqlitePlace:
    """One file a namespace, in WAL mode: readers and one writer do not wait for each other."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self.path = folder / f"{namespace}.db"
        self._lock = folder / f"{namespace}.lock"
        self._notes = folder / f"{namespace}.json"

    def settings(self) -> dict[str, Any]:
        return {"type": "sqlite", "path": str(self.path)}

    def prepare(self) -> None:
        import sqlite3

        connection = sqlite3.connect(self.path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()

    def connected(self, store: Any) -> None:
        """A commit need not reach the disk: what a power failure takes away comes again from the event log."""
        connection = store.provider.online_store._get_conn(store.config)
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA synchronous=NORMAL")

    @contextmanager
    def lock(self, user_id: str) -> Iterator[None]:
        """One lock for all users: SQLite has one writer at a time anyway."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read_notes(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._notes.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def write_notes(self, notes: dict[str, Any]) -> None:
        write_text(json.dumps(notes, sort_keys=True) + "\n", self._notes)

    def drop(self) -> None:
        self._notes.unlink(missing_ok=True)
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self._lock.unlink(missing_ok=True)


class RedisPlace:
    """Keys that end with the namespace (Feast's way) and a few that begin with `recops:<namespace>:`."""

    LOCK_S = 30

    def __init__(self, url: str, namespace: str) -> None:
        self._url, self._namespace = url, namespace
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The connection, made at its first use."""
        if self._client is None:
            from redis import Redis

            self._client = Redis.from_url(self._url)
        return self._client

    def settings(self) -> dict[str, Any]:
        url = urlparse(self._url)
        parts = [f"{url.hostname or '127.0.0.1'}:{url.port or 6379}", f"db={url.path.strip('/') or 0}"]
        parts += [f"username={unquote(url.username)}"] if url.username else []
        parts += [f"password={json.dumps(unquote(url.password))}"] if url.password else []
        parts += ["ssl=true"] if url.scheme == "rediss" else []
        # the store's own guard compares instants; ours counts events, so that the clock has no say
        return {"type": "redis", "connection_string": ",".join(parts), "skip_dedup": True}

    def prepare(self) -> None:
        self.client.ping()

    def connected(self, store: Any) -> None:
        return None

    def lock(self, user_id: str) -> Any:
        """One lock a user; it ends by itself when its holder was killed."""
        name = f"recops:{self._namespace}:lock:{user_id}"
        return self.client.lock(name, timeout=self.LOCK_S, blocking_timeout=self.LOCK_S, sleep=0.005)

    def read_notes(self) -> dict[str, Any] | None:
        found = self.client.get(f"recops:{self._namespace}:notes")
        return None if found is None else dict(json.loads(found))

    def write_notes(self, notes: dict[str, Any]) -> None:
        self.client.set(f"recops:{self._namespace}:notes", json.dumps(notes, sort_keys=True))

    def drop(self) -> None:
        self.client.delete(f"recops:{self._namespace}:notes")
        ending = self._namespace.encode()
        doomed = []
        for key in self.client.scan_iter(b"*" + ending, count=5000):
            if _is_entity_key(key[: -len(ending)]):
                doomed.append(key)
            if len(doomed) == 5000:
                self.client.delete(*doomed)
                doomed = []
        if doomed:
            self.client.delete(*doomed)


def _is_entity_key(key: bytes) -> bool:
    """Whether bytes are exactly one entity key of Feast: else the key belongs to a namespace of a longer name."""
    from feast.infra.key_encoding_utils import deserialize_entity_key, serialize_entity_key

    try:
        entity = deserialize_entity_key(key, entity_key_serialization_version=3)
        return bool(serialize_entity_key(entity, entity_key_serialization_version=3) == key)
    except Exception:  # Feast's decoder raises whatever it stumbles over
        return False
