"""The users that are in memory: the least recently asked for go first, by number and by memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from features.online.live.live_events import Incoming
from services.live.users.resident import Resident


class Residents:
    """At most `most_users`, taking about `most_bytes`; one user stays, however much that takes."""

    def __init__(self, most_users: int, most_bytes: int) -> None:
        self._most_users, self._most_bytes = most_users, most_bytes
        self._lock = threading.Lock()
        self._resident_of: OrderedDict[str, Resident] = OrderedDict()
        self._bytes_of: dict[str, int] = {}
        self._waiting: dict[str, list[Incoming]] = {}  # users that are being read, and events that came meanwhile
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._resident_of)

    def get(self, user_id: str) -> Resident | None:
        """A user who is asked for; None: not in memory."""
        with self._lock:
            resident = self._resident_of.get(user_id)
            if resident is not None:
                self._resident_of.move_to_end(user_id)
            return resident

    def expect(self, user_id: str) -> None:
        """The user is about to be read: from now on events are kept for `admit`."""
        with self._lock:
            self._waiting[user_id] = []

    def admit(self, resident: Resident) -> None:
        """A user who has been read, with every event that the log held after `expect`."""
        with self._lock:
            for incoming in self._waiting.pop(resident.user_id, []):
                resident.advance(incoming)
            self._put(resident)

    def give_up(self, user_id: str) -> None:
        """The user could not be read."""
        with self._lock:
            self._waiting.pop(user_id, None)

    def route(self, incoming: Incoming) -> list[Resident]:
        """Gives events of the log to those in memory whom they concern; who has changed."""
        shares: list[tuple[Resident, Incoming]] = []
        with self._lock:
            for user_id, rows in incoming.columns.rows_by_user().items():
                waiting, resident = self._waiting.get(user_id), self._resident_of.get(user_id)
                if waiting is None and resident is None:
                    continue
                share = incoming.take(rows)
                if waiting is not None:
                    waiting.append(share)
                if resident is not None:
                    shares.append((resident, share))
        changed = [resident for resident, share in shares if resident.advance(share)]
        self.weigh(changed)
        return changed

    def weigh(self, residents: Iterable[Resident]) -> None:
        """Some have grown."""
        with self._lock:
            for resident in residents:
                if self._resident_of.get(resident.user_id) is resident:
                    self._count(resident)
            self._make_room()

    def user_ids(self) -> list[str]:
        """Whom it holds."""
        with self._lock:
            return list(self._resident_of)

    def with_strangers(self) -> list[str]:
        """Users with events on items that the vocabulary lacked when they came."""
        with self._lock:
            return [user_id for user_id, resident in self._resident_of.items() if resident.has_strangers]

    def forget(self, user_id: str) -> None:
        """A user leaves the memory."""
        with self._lock:
            self._remove(user_id)

    def _put(self, resident: Resident) -> None:
        self._resident_of[resident.user_id] = resident
        self._resident_of.move_to_end(resident.user_id)
        self._count(resident)
        self._make_room()

    def _count(self, resident: Resident) -> None:
        self.n_bytes += resident.n_bytes - self._bytes_of.get(resident.user_id, 0)
        self._bytes_of[resident.user_id] = resident.n_bytes

    def _make_room(self) -> None:
        while len(self._resident_of) > 1 and (
            len(self._resident_of) > self._most_users or self.n_bytes > self._most_bytes
        ):
            self._remove(next(iter(self._resident_of)))

    def _remove(self, user_id: str) -> None:
        if self._resident_of.pop(user_id, None) is not None:
            self.n_bytes -= self._bytes_of.pop(user_id)
