"""Sessions: what is known of a user right now, the online namespace plus the log's events that it does not hold yet."""

from __future__ import annotations

import logging
import time

from features.events.database import DatabaseError
from features.events.event_log import Event, EventLog
from features.online.namespace import OnlineNamespace
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from services.errors import ApiError

logger = logging.getLogger(__name__)

PAUSE_S = 2.0  # after the event log did not answer, answers do without it for so long
A_READ = 10_000


class Sessions:
    """Catches up by seq whenever somebody asks, so that any number of workers agree without talking to each other.

    events_through: last event that the release's data holds; at: a fixed instant [µs] (replay: the log is not read).
    """

    def __init__(
        self,
        namespace: OnlineNamespace,
        log: EventLog,
        items: ItemStates,
        info: ItemInfo,
        *,
        events_through: int,
        at: int | None = None,
    ) -> None:
        self.namespace, self.items, self.info = namespace, items, info
        self._log, self._events_through, self._at = log, events_through, at
        self._silent_until = 0.0

    def state(self, user_id: str) -> UserState:
        """The user's state with every acknowledged event in it."""
        self.follow()
        state = self._read(user_id)
        missing = self._events(user_id, state.last_seq)
        return self.namespace.record(user_id, missing, self.info) if missing else state

    def follow(self) -> None:
        """Brings the items' states up to the log's end; normally one short query that finds nothing."""
        if self._at is not None or time.monotonic() < self._silent_until:
            return
        try:
            after = max(self.items.last_seq, self._events_through)
            while events := self._log.read(after, A_READ):
                for event in events:
                    self.items.record(event)
                after = events[-1].seq
        except DatabaseError:
            self._pause()

    def n_events(self) -> int:
        """Events since the release's data."""
        return max(self.items.last_seq - self._events_through, 0)

    def _read(self, user_id: str) -> UserState:
        try:
            return self.namespace.users([user_id])[0]
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "redis":
                raise
            logger.warning("online store does not answer: %s", error)
            raise ApiError(503, "the online store does not answer; try again in a moment") from error

    def _events(self, user_id: str, last_seq: int) -> list[Event]:
        if self._at is not None or time.monotonic() < self._silent_until:
            return []
        try:
            return self._log.of_user(user_id, max(last_seq, self._events_through))
        except DatabaseError:
            self._pause()
            return []

    def _pause(self) -> None:
        """An answer without the newest events is better than none."""
        logger.exception("event log does not answer; going on without new events for %s s", PAUSE_S)
        self._silent_until = time.monotonic() + PAUSE_S
