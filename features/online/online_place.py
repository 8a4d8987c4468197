"""An online place: what a kind of online store has to offer to a namespace."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


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
