"""Reads users who are not in memory, in threads beside the requests: their rows, then the log's newer events."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from features.events.database import DatabaseError
from features.events.event_columns import read_columns
from features.events.event_log import EventLog
from features.online.live.live_events import Incoming
from features.online.live.live_rows import LiveRows
from features.online.live.live_state import LiveState
from features.online.namespace import OnlineNamespace
from features.positives import Positives
from features.resilience.outages import StoreUnavailableError
from features.resilience.repeats import RepeatLogger
from features.states.item_states import ItemInfo
from services.live.users.resident import Resident
from services.live.users.session import Session

T = TypeVar("T")

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

EVENT_LOG, ONLINE_STORE, DEADLINE = "event_log", "online_store", "deadline"  # what answers had to do without
THREADS = 3
A_READ = 2_000
MANY = 20_000  # new events of one user: beyond that they are read in a thread of their own, one such user at a time


class ManyEventsError(Exception):
    """A user has very many new events."""


@dataclass(frozen=True)
class Loaded:
    """A user who was read. missing: stores that did not answer, so that something may be missing; fault: of the online
    store, in a sentence; is_due: whether the online store lacks something that it should hold."""

    resident: Resident
    missing: tuple[str, ...]
    fault: str | None
    is_due: bool

    def session(self) -> Session:
        """As far as the user could be read."""
        return self.resident.session().without(*self.missing, fault=self.fault)


class Loader:
    """Reads users; each of its threads has connections of its own."""

    def __init__(
        self, namespace: OnlineNamespace, log: EventLog | None, info: ItemInfo, positives: Positives, through: int
    ) -> None:
        """log: None, no event is taken in; through: the last event that the release's data holds."""
        self._namespace, self._log, self._info = namespace, log, info
        self._positives, self._through = positives, through
        self._open()
        self._local = threading.local()

    def _open(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sessions")
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="many-events")

    def rows(self) -> LiveRows:
        """The store, as this thread reads it."""
        rows: LiveRows | None = getattr(self._local, "rows", None)
        if rows is None:
            rows = self._local.rows = LiveRows(self._namespace.opened_again(), self._info)
        return rows

    def tail(self, user_id: str, after_seq: int, most: int | None = None) -> Iterator[Incoming]:
        """A user's events of the log after one, some at a time, so that other threads get their turn.

        Raises:
            DatabaseError: the log does not answer.
            ManyEventsError: there are more than `most`; those before are given.
        """
        after, n_events = max(after_seq, self._through), 0
        while self._log is not None:
            size = A_READ if most is None else min(A_READ, most + 1)
            part = read_columns(self._log, after, size, user_id)
            n_events += len(part)
            if most is not None and n_events > most:
                raise ManyEventsError(user_id)
            if len(part):
                yield Incoming.of(part, self._info, self._positives)
            if len(part) < size:
                return
            after = part.last_seq

    def warm(self) -> None:
        """Opens the store in every thread, so that no request pays for it.

        Raises:
            UserError: the namespace is not there.
            StoreUnavailableError: the store does not answer.
        """
        together = threading.Barrier(THREADS)

        def open_rows() -> None:
            together.wait(timeout=60)  # else one thread might do it several times
            self.rows().namespace.open()

        for opened in [self._threads.submit(open_rows) for _ in range(THREADS)]:
            opened.result()

    def load(self, user_id: str, end: Callable[[str, Loaded | None], None]) -> Future[Loaded]:
        """Reads a user in a thread; `end` is called there with the result, None after a failure, before it is seen."""
        promise: Future[Loaded] = Future()
        self._threads.submit(self._load, user_id, MANY, end, promise)
        return promise

    def catch_up(self, resident: Resident, end: Callable[[Resident], None]) -> Future[None]:
        """Takes in a user's new events in a thread; `end` is called there."""
        return self._beside.submit(self._catch_up, resident, end)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Runs something in one of the threads."""
        return self._threads.submit(work)

    def newcomer(self, user_id: str) -> Session:
        """A user of whom nothing could be read in time."""
        return (
            Resident(LiveState(user_id, self._info, self._through))
            .session()
            .without(DEADLINE, fault=f"user '{user_id}' could not be read in time")
        )

    def read(self, user_id: str, most: int | None) -> Loaded:
        """Reads a user here; stores that do not answer are named.

        Raises:
            ManyEventsError: more than `most` events are new.
        """
        missing, fault = [], None
        try:
            state = self.rows().read(user_id)
        except StoreUnavailableError as error:
            repeats.warning("users who are not in memory are answered as newcomers: %s", error)
            missing.append(ONLINE_STORE)
            fault = str(error)
            state = LiveState(user_id, self._info, self._through)
        resident, stored_seq, is_due = Resident(state), state.stats_seq, False
        try:
            for part in self.tail(user_id, state.last_seq, most):
                resident.advance(part)
            is_due = resident.last_seq > stored_seq or resident.history_is_due
        except DatabaseError as error:
            repeats.warning("answers go on without new events: %s", error)
            missing.append(EVENT_LOG)
        return Loaded(resident, tuple(missing), fault, is_due)

    def close(self) -> None:
        """Lets what is under way end; connections are closed with their threads. The next use begins anew."""
        threads, beside = self._threads, self._beside
        self._open()
        threads.shutdown()
        beside.shutdown()

    def _load(
        self, user_id: str, most: int | None, end: Callable[[str, Loaded | None], None], promise: Future[Loaded]
    ) -> None:
        try:
            loaded = self.read(user_id, most)
        except ManyEventsError:
            self._beside.submit(self._load, user_id, None, end, promise)
        except Exception as error:
            end(user_id, None)
            promise.set_exception(error)
        else:
            end(user_id, loaded)
            promise.set_result(loaded)

    def _catch_up(self, resident: Resident, end: Callable[[Resident], None]) -> None:
        changed = [resident.advance(part) for part in self.tail(resident.user_id, resident.last_seq)]
        if any(changed):
            end(resident)
