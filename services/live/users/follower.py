"""Follows the event log: new events go to the items' states and to the users in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from features.events.database import DatabaseError
from features.events.event_columns import EventColumns, read_columns
from features.events.event_log import EventLog
from features.online.live.live_events import Incoming, record_items
from features.positives import Positives
from features.resilience.repeats import RepeatLogger
from features.states.item_states import ItemInfo, ItemStates
from services.live.users.resident import Resident
from services.live.users.residents import Residents

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

A_READ = 1_000  # events that are taken in at a time


@dataclass(frozen=True)
class Followed:
    """is_behind: the log may hold more; has_failed: it did not answer."""

    is_behind: bool = False
    has_failed: bool = False


class Follower:
    """The position in the log up to which this process has taken in the events of all users.

    Any number of processes follow; they agree because each looks at the log before it answers.
    """

    def __init__(
        self,
        log: EventLog,
        items: ItemStates,
        info: ItemInfo,
        positives: Positives,
        residents: Residents,
        on_change: Callable[[list[Resident]], None],
        events_through: int,
    ) -> None:
        self._log, self._items, self._info, self._positives = log, items, info, positives
        self._residents, self._on_change = residents, on_change
        self._following = threading.Lock()
        self.position = max(items.last_seq, events_through)
        self.newest_event: int | None = None  # instant [µs] of the newest event since the release's data
        self.listeners: list[Callable[[EventColumns], None]] = []  # called with every event once, in order of seq

    def follow(self, limit: int = A_READ) -> Followed:
        """Takes in at most `limit` events; does not wait for another thread that is at it."""
        if not self._following.acquire(blocking=False):
            return Followed(is_behind=True)
        try:
            return self._take_in(limit)
        finally:
            self._following.release()

    def follow_to_end(self) -> Followed:
        """Takes in all events, some at a time, so that others get their turn."""
        while True:
            with self._following:
                followed = self._take_in(A_READ)
            if followed.has_failed or not followed.is_behind:
                return followed

    def _take_in(self, limit: int) -> Followed:
        try:
            columns = read_columns(self._log, self.position, limit)
        except DatabaseError as error:
            repeats.warning("answers go on without new events: %s", error)
            return Followed(has_failed=True)
        if len(columns):
            incoming = Incoming.of(columns, self._info, self._positives)
            record_items(self._items, incoming)
            if changed := self._residents.route(incoming):
                self._on_change(changed)
            for listener in self.listeners:
                try:
                    listener(columns)
                except Exception as error:  # one that fails stops nobody else
                    repeats.exception("a listener to the event log fails: %s", error)
            self.position = columns.last_seq
            newest = int(columns.timestamps.max())
            self.newest_event = max(newest, self.newest_event or newest)
        return Followed(is_behind=len(columns) == limit)
