"""The protocol of online store backends: what a namespace needs from its store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from features.online.feast_rows.stored_rows import StoredRows


class WriteRefusedError(RuntimeError):
    """The store can be read and not written: a full or read-only disk, full memory, a lock that stays taken."""


class OnlinePlace(Protocol):
    """Protocol of an online store's backend for one namespace."""

    @property
    def rows(self) -> StoredRows:
        """Its rows, to be used within `reading` and `writing`."""

    def opened_again(self) -> OnlinePlace:
        """The same with connections of its own, for another thread; both notice when the store is out."""

    def settings(self) -> dict[str, Any]:
        """Feast's section `online_store`."""

    def prepare(self) -> None:
        """Called once, when the namespace has been made."""

    def connected(self, store: Any) -> None:
        """Called when a process has opened the namespace."""

    def patient(self) -> AbstractContextManager[None]:
        """A context with long timeouts, for filling or dropping a namespace while no request waits."""

    def reading(self) -> AbstractContextManager[None]:
        """Wraps each read: faults of the store become StoreUnavailableError."""

    def writing(self) -> AbstractContextManager[None]:
        """Wraps each write: as `reading`, and a refused write becomes WriteRefusedError."""

    def lock(self, user_id: str, wait_s: float) -> AbstractContextManager[None]:
        """A context in which no other process changes this user's rows; WriteRefusedError when it stays taken."""

    def read_notes(self) -> dict[str, Any] | None:
        """What `write_notes` wrote, None before that."""

    def write_notes(self, notes: dict[str, Any]) -> None: ...

    def drop(self) -> None:
        """Removes every row and note; nothing is there: no error."""

    def close(self) -> None:
        """Closes the connections; the next use opens them again."""
