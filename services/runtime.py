"""Runtime of one worker: its stores, the live release, and the threads that do its work."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from features.catalogue_changes.item_log import ItemLog
from features.errors import UserError
from features.events.database import SERVING, DatabaseError, ValueRefusedError
from features.events.event_log import EventLog
from features.privacy.hashed_ids import IdHasher
from features.resilience.outages import StoreUnavailableError
from features.resilience.repeats import RepeatLogger
from features.settings import Settings
from models.language.conversation.conversations import Conversations
from models.release.running import Registration
from services.access.deadline import current_deadline
from services.access.turns import Turns
from services.errors import ApiError
from services.live.erasures import Erasures
from services.live.past_releases import PastReleases
from services.live.release import Live
from services.live.serving import Serving
from services.live.users.session import Session
from services.metrics import metrics
from services.recorder.events import Recorder
from services.recorder.flight import FlightRecorder
from services.recorder.impressions import ImpressionLog

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

LEAST_WAIT_S = 0.25  # for a user who is not in memory, whatever the deadline: a wait of this length is bearable


class Runtime:
    """What one worker holds: the event log, its writer, the live release, and the threads beside the loop.

    Where both stores are local files a request is answered on the loop itself, from arrays in memory; where they are
    servers on a network, in one thread beside it, since a look at the log of items may wait for one.
    """

    def __init__(self, settings: Settings, registration: Registration | None = None) -> None:
        self.settings, self.registration = settings, registration
        self.log = EventLog(settings.events_url, patience=SERVING)
        self.item_log = ItemLog(self.log.database)
        self.recorder = Recorder(self.log)
        self.live = Live(settings, self.log, on_load=self._after_load)
        self.past = PastReleases(self.live)
        self._erasures = Erasures.of(self.live)
        self.impressions = None if settings.at else ImpressionLog(settings.home / "impressions")
        recorded = not settings.at and settings.record_share > 0 and self.live.home_fault is None
        self.flight = FlightRecorder(settings, _count_records) if recorded else None
        self.conversations = Conversations(settings.home / "conversations.db", settings.conversation_days)
        self.rollbacks = asyncio.Lock()
        self.turns = Turns()
        local = not settings.database_url.startswith("postgres") and settings.online_store == "sqlite"
        self._thread = None if local else ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._beside = ThreadPoolExecutor(2, thread_name_prefix="beside")

    async def ask(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function that only one request runs at a time.

        Raises:
            ApiError: 503, the request's turn would come after its deadline.
        """
        began = await self.turns.take(current_deadline())
        try:
            with _store_faults_as_responses():
                if self._thread is None:
                    return work(*arguments)
                run = copy_context().run  # the thread sees the request's deadline
                return await asyncio.get_running_loop().run_in_executor(self._thread, run, work, *arguments)
        finally:
            self.turns.give(began)

    async def arrive(self, serving: Serving, user_id: str, *, in_time: bool = True) -> Session:
        """The user's session, with every acknowledged event in it; nobody else waits for stores that are slow.

        in_time: a user who is not in memory is waited for until the deadline, and for a moment in any case; else until
        the stores' own time limits.

        Raises:
            ApiError: 400, a store cannot hold this id.
        """
        deadline = current_deadline() if in_time else None
        wait_s = None if deadline is None else max(deadline - time.perf_counter(), LEAST_WAIT_S)
        with _store_faults_as_responses():
            return await serving.sessions.arrive(user_id, wait_s)

    async def beside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function that takes its time: it runs beside the answers, two at once.

        Raises:
            ApiError: as `ask`; 503 also when the event log does not answer.
        """
        with _store_faults_as_responses():
            return await asyncio.get_running_loop().run_in_executor(self._beside, work, *arguments)

    def serving(self) -> Serving:
        """The release that answers this request.

        Raises:
            ApiError: 503, none is loaded.
        """
        if self.live.current is None:
            raise ApiError(503, self.live.missing())
        return self.live.current

    def check_home(self) -> None:
        """Checks that events may be recorded in this home.

        Raises:
            ApiError: 503, the home lies inside a Bento.
        """
        if self.live.home_fault is not None:
            raise ApiError(503, self.live.home_fault)

    def hasher(self) -> IdHasher | None:
        """The hasher of ids of events.

        Raises:
            ApiError: 503, the key is not set.
        """
        try:
            return self.live.hasher()
        except UserError as error:
            raise ApiError(503, f"{error}; nothing was recorded") from None

    def register(self) -> None:
        """This process is listed among the running services of its home from now on."""
        if self.registration is None:
            return
        try:
            self.registration.start()
        except OSError as error:
            logger.warning("%s cannot be written, rollback will not wait for it: %s", self.registration.path, error)

    def drain(self) -> None:
        """This process takes no new work."""
        self._tell(draining=True)

    def _after_load(self, outcome: str, serving: Serving | None) -> None:
        """Counts the load, and updates the registration with the loaded and the refused release."""
        _count_load(outcome, serving)
        if self.registration is None:
            return
        refused = dict([self.live.refusal]) if self.live.refusal else {}
        current = serving or self.live.current
        self._tell(release=current.release.release if current else None, refused=refused)

    def _tell(self, **facts: Any) -> None:
        if self.registration is None:
            return
        try:
            self.registration.update(**facts)
        except OSError as error:
            logger.warning("%s cannot be written: %s", self.registration.path, error)

    def close(self) -> None:
        if self.registration is not None:
            self.registration.remove()
        self._erasures.close()
        self.live.stop()
        self.recorder.close()
        if self.flight is not None:
            self.flight.close()
        self.conversations.close()
        self._beside.shutdown()
        if self._thread is not None:
            self._thread.shutdown()
        self.log.close()


@contextmanager
def _store_faults_as_responses() -> Iterator[None]:
    """Turns faults of the stores into responses: 503 for ours, 400 for the sender's."""
    try:
        yield
    except ValueRefusedError as error:
        raise ApiError(400, f"a value of the request cannot be stored: {error}") from error
    except (StoreUnavailableError, DatabaseError) as error:
        repeats.warning("requests are answered 503: %s", error)
        raise ApiError(503, f"{error}; try again in a moment") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "redis":
            raise
        repeats.warning("requests are answered 503; the online store: %s", error)
        raise ApiError(503, "the online store does not answer; try again in a moment") from error


def _count_records(outcome: str, n_records: int) -> None:
    metrics().records.labels(outcome).inc(n_records)


def _count_load(outcome: str, serving: Serving | None) -> None:
    counters = metrics()
    counters.loads.labels(outcome).inc()
    if serving is not None:
        counters.loaded_at.set(serving.loaded_at / 1e6)
        if serving.release.data_until is not None:
            counters.data_until.set(serving.release.data_until / 1e6)
