"""User cache: something of each of the users that asked last, bounded by memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class HasSize(Protocol):
    """Something whose size does not change while it is in a cache."""

    @property
    def n_bytes(self) -> int: ...


Kept = TypeVar("Kept", bound=HasSize)


class UserCache(Generic[Kept]):
    """At most `max_bytes`, of the users that asked last; safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.n_bytes = max_bytes, 0
        self._of_user: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()  # held for microseconds

    def __len__(self) -> int:
        return len(self._of_user)

    def get(self, user_id: str) -> Kept | None:
        """What is kept of a user who asks; it stays."""
        with self._lock:
            kept = self._of_user.get(user_id)
            if kept is not None:
                self._of_user.move_to_end(user_id)
        return kept

    def take(self, user_id: str) -> Kept | None:
        """What is kept of a user; it is then no longer in the cache."""
        with self._lock:
            return self._remove(user_id)

    def put(self, user_id: str, kept: Kept) -> None:
        """Keeps it in place of what there was, and drops that of users that did not ask for the longest time."""
        with self._lock:
            self._remove(user_id)
            self._of_user[user_id] = kept
            self.n_bytes += kept.n_bytes
            while self.n_bytes > self.max_bytes:
                self._remove(next(iter(self._of_user)))

    def user_ids(self) -> list[str]:
        """Of whom something is kept."""
        with self._lock:
            return list(self._of_user)

    def forget(self, user_id: str) -> None:
        """Drops what is kept of a user."""
        self.take(user_id)

    def _remove(self, user_id: str) -> Kept | None:
        kept = self._of_user.pop(user_id, None)
        if kept is not None:
            self.n_bytes -= kept.n_bytes
        return kept
