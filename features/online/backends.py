"""Where an online namespace lives: what SQLite and Redis have to offer to it, and which of them a setting names."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from features.errors import UserError


class WriteRefusedError(RuntimeError):
    """The store can be read and not written: a full or read-only disk, full memory, a lock that stays taken."""


class OnlinePlace(Protocol):
    """What a kind of online store has to offer."""

    def settings(self) -> dict[str, Any]:
        """Feast's section `online_store`."""

    def prepare(self) -> None:
        """Called once, when the namespace has been made."""

    def connected(self, store: Any) -> None:
        """Called when a process has opened the namespace."""

    def patient(self) -> AbstractContextManager[None]:
        """A context in which the store may take its time: the namespace is filled or dropped, nobody waits."""

    def reading(self) -> AbstractContextManager[None]:
        """Around each read: faults of the store become StoreUnavailableError."""

    def writing(self) -> AbstractContextManager[None]:
        """Around each write: likewise, and a refused write becomes WriteRefusedError."""

    def lock(self, user_id: str, wait_s: float) -> AbstractContextManager[None]:
        """A context in which no other process changes this user's rows; WriteRefusedError when it stays taken."""

    def read_notes(self) -> dict[str, Any] | None:
        """What `write_notes` wrote, None before that."""

    def write_notes(self, notes: dict[str, Any]) -> None: ...

    def drop(self) -> None:
        """Removes every row and note; nothing is there: no error."""

    def close(self) -> None:
        """Lets connections go; the next use makes them again."""


def place(online_store: str, folder: Path, namespace: str) -> OnlinePlace:
    """By the setting RECOPS_ONLINE_STORE."""
    if online_store == "sqlite":
        from features.online.sqlite_place import SqlitePlace

        return SqlitePlace(folder, namespace)
    if online_store.startswith(("redis://", "rediss://")):
        from features.online.redis_place import RedisPlace

        return RedisPlace(online_store, namespace)
    raise UserError(
        f"RECOPS_ONLINE_STORE is '{online_store.partition('://')[0]}', expected 'sqlite' or 'redis://host:port/number'"
    )
