"""Sessions: current user states, from the online namespace plus the log's events that it does not hold yet."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from features.events.database import DatabaseError
from features.events.event_log import Event, EventLog
from features.online.namespace import OnlineNamespace, UnwrittenError
from features.resilience.outages import StoreUnavailableError
from features.resilience.repeats import RepeatLogger
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from services.errors import ApiError

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

A_READ = 10_000
AN_ANSWER = 2_000  # events that one answer takes in at most, of its user and for the items: some 20 ms
AT_ONCE = 100_000  # of a user with more, so many are recorded at a time
LOCK_WAIT_S = 0.1


class BacklogError(Exception):
    """A user has more new events than an answer may take in: call `catch_up` in another thread, then try again."""

    def __init__(self, catch_up: Callable[[], None]) -> None:
        super().__init__("a user has too many new events for one answer")
        self.catch_up = catch_up


class Sessions:
    """Catches up by seq at each request, so that any number of workers agree without communication.

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
        self.newest_event: int | None = None  # instant [µs] of the newest event since the release's data
        self._log, self._events_through, self._at = log, events_through, at
        self._following = threading.Lock()
        self._catching_up = threading.Lock()
        self._beside: OnlineNamespace | None = None

    def state(self, user_id: str) -> UserState:
        """The user's state with every acknowledged event in it.

        Raises:
            BacklogError: too many of them are new.
            StoreUnavailableError: the online store does not answer.
        """
        self.follow(AN_ANSWER)
        state = self.namespace.users([user_id])[0]
        missing = self._events(user_id, state.last_seq)
        if not missing:
            return state
        if len(missing) > AN_ANSWER:
            raise BacklogError(lambda: self.catch_up(user_id))
        try:
            return self.namespace.record(user_id, missing, self.info, wait_s=LOCK_WAIT_S)
        except UnwrittenError as unwritten:
            repeats.warning("states of users are computed for each answer and not kept: %s", unwritten)
            return unwritten.state

    def catch_up(self, user_id: str) -> None:
        """Records all new events of a user; for a thread of its own, with connections of its own."""
        with self._catching_up:
            self._beside = self._beside or self.namespace.opened_again()
            while True:
                after = max(self._beside.users([user_id])[0].last_seq, self._events_through)
                events: list[Event] = []
                while len(events) < AT_ONCE and (more := self._log.of_user(user_id, after, A_READ)):
                    events += more
                    after = more[-1].seq
                if len(events) <= AN_ANSWER:
                    return
                try:
                    self._beside.record(user_id, events, self.info)
                except UnwrittenError as unwritten:
                    repeats.warning("a user's %d new events cannot be recorded: %s", len(events), unwritten)
                    sentence = f"the user has {len(events)} new events, and the service cannot write them to its store"
                    raise ApiError(503, f"{sentence}; see its log") from unwritten

    def follow(self, limit: int | None = None) -> None:
        """Brings the items' states up to the log's end, `limit` events at most; normally a short query finds none."""
        if self._at is not None or not self._following.acquire(timeout=LOCK_WAIT_S):
            return  # another thread is doing it
        try:
            while limit is None or limit > 0:
                size = A_READ if limit is None else min(limit, A_READ)
                events = self._log.read(max(self.items.last_seq, self._events_through), size)
                self.items.record_all(events)
                self._note_newest(events)
                if len(events) < size:
                    return
                limit = None if limit is None else limit - size
        except DatabaseError as error:
            repeats.warning("answers go on without new events: %s", error)
        finally:
            self._following.release()

    def _note_newest(self, events: Sequence[Event]) -> None:
        if events:
            newest = max(event.timestamp for event in events)
            self.newest_event = max(newest, self.newest_event or newest)

    def now(self) -> int:
        """This instant [µs], as far as the clock is believed."""
        return self._log.now()

    def n_events(self) -> int:
        """Events since the release's data."""
        return max(self.items.last_seq - self._events_through, 0)

    def faults(self) -> dict[str, str | None]:
        """What is wrong with each store, in a sentence; None: nothing."""
        faults: dict[str, str | None] = {"event_log": None, "online_store": None}
        try:
            self._log.last_seq()
        except DatabaseError as error:
            faults["event_log"] = str(error)
        try:
            self.namespace.users([])
        except StoreUnavailableError as error:
            faults["online_store"] = str(error)
        return faults

    def _events(self, user_id: str, last_seq: int) -> list[Event]:
        """A user's new events; none where the log does not answer: an answer without them is better than no answer."""
        if self._at is not None:
            return []
        try:
            return self._log.of_user(user_id, max(last_seq, self._events_through), AN_ANSWER + 1)
        except DatabaseError as error:
            repeats.warning("answers go on without new events: %s", error)
            return []
