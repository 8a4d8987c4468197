"""Sessions: users' current states, held in memory and kept up to date from the event log."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from features.events.database import DatabaseError
from features.events.event_columns import EventColumns
from features.events.event_log import EventLog
from features.online.namespace import OnlineNamespace
from features.resilience.outages import StoreUnavailableError
from features.states.item_states import ItemInfo, ItemStates
from services.live.users.follower import Followed, Follower
from services.live.users.loading import EVENT_LOG, ONLINE_STORE, Loaded, Loader, ManyEventsError
from services.live.users.resident import Resident
from services.live.users.residents import Residents
from services.live.users.session import Session
from services.live.users.shared_check import SharedCheck
from services.live.users.write_behind import WriteBehind

ON_THE_LOOP = 128  # events that one answer takes in at most before others get their turn: about 2 ms
CHECK_WAIT_S = 1.0  # for a remote log, whose own time limits are shorter
MOST_USERS, MOST_BYTES = 20_000, 64 << 20


T = TypeVar("T")


class Sessions:
    """Looks at the log before each answer, so that any number of workers agree without communication.

    An answer holds every event that any worker had acknowledged before it was asked for; where the log does not answer,
    the session says so. events_through: last event that the release's data holds; at: a fixed instant [µs] (replay: the
    log is not read); most_users, most_bytes: what is held in memory at most.
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
        most_users: int = MOST_USERS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.namespace, self.items, self.info = namespace, items, info
        self._log, self._events_through, self._at = log, events_through, at
        self._residents = Residents(most_users, most_bytes)
        self._loader = Loader(namespace, log if at is None else None, info, items.positives, events_through)
        self._writer = WriteBehind(self._loader.rows)
        self._follower = Follower(log, items, info, items.positives, self._residents, self._writer.mark, events_through)
        self._check = None if log.database.is_local else SharedCheck(self._follower.follow_to_end)
        self._lock = threading.Lock()
        self._loads: dict[str, Future[Loaded]] = {}
        self._outdated: set[str] = set()  # users who were forgotten while they are read
        self._behind: Future[Followed] | None = None

    # --- answers

    async def arrive(self, user_id: str, wait_s: float | None = None) -> Session:
        """The user's session with every acknowledged event in it, for the event loop: it waits for nothing but the
        user, and for no longer than `wait_s` (None: as long as the stores' own time limits allow).

        A user who could not be read in that time is answered as a newcomer, and `degraded` names the store.

        Raises:
            ValueRefusedError: the log cannot hold such a user id.
        """
        followed = await self._looked(CHECK_WAIT_S if wait_s is None else min(wait_s, CHECK_WAIT_S))
        until = None if wait_s is None else asyncio.get_running_loop().time() + wait_s
        resident = self._residents.get(user_id)
        if resident is None:
            try:
                loaded = await _within(until, self._load(user_id))
            except TimeoutError:
                return self._loader.newcomer(user_id)
            if loaded.missing:
                return loaded.session()
            resident = loaded.resident
        if followed.is_behind and not self._take_tail(resident):
            try:
                await _within(until, self._loader.catch_up(resident, self._changed))
            except (TimeoutError, DatabaseError):
                return resident.session().without(EVENT_LOG)
        return resident.session().without(EVENT_LOG) if followed.has_failed else resident.session()

    def session(self, user_id: str) -> Session:
        """As `arrive`, for any thread but that of the event loop: it waits."""
        followed = self._follow()
        resident = self._residents.get(user_id)
        if resident is None:
            loaded = self._load(user_id).result()
            if loaded.missing:
                return loaded.session()
            resident = loaded.resident
        try:
            if followed.is_behind:
                self._loader.catch_up(resident, self._changed).result()
        except DatabaseError:
            return resident.session().without(EVENT_LOG)
        return resident.session().without(EVENT_LOG) if followed.has_failed else resident.session()

    def warm(self) -> None:
        """Opens the stores, so that no request pays for it; see `Loader.warm`."""
        self.namespace.open()
        self._loader.warm()

    # --- the log

    def follow(self) -> None:
        """Brings items and users up to the log's end, in the calling thread; normally a short query finds nothing."""
        if self._at is None:
            self._follower.follow_to_end()

    def listen(self, listener: Callable[[EventColumns], None]) -> None:
        """Calls back with every event from here on, once, in order of seq, in whichever thread reads it."""
        self._follower.listeners.append(listener)

    @property
    def position(self) -> int:
        """The last event of the log that items and users in memory hold."""
        return self._follower.position

    @property
    def newest_event(self) -> int | None:
        """Instant [µs] of the newest event since the release's data."""
        return self._follower.newest_event

    def now(self) -> int:
        """This instant [µs], as far as the clock is believed."""
        return self._log.now()

    def n_events(self) -> int:
        """Events since the release's data."""
        return max(self.position - self._events_through, 0)

    # --- the stores

    def users_in_memory(self) -> list[str]:
        """Ids of users whose states this process holds, reads or is to write."""
        with self._lock:
            loading = list(self._loads)
        return list(dict.fromkeys((*self._residents.user_ids(), *self._writer.user_ids(), *loading)))

    def forget(self, user_id: str) -> None:
        """The user leaves the memory of this process, and nothing of them is written any more."""
        with self._lock:
            if user_id in self._loads:
                self._outdated.add(user_id)
        self._residents.forget(user_id)
        self._writer.forget(user_id)

    def vocabulary_grew(self) -> None:
        """Users with events on items that the vocabulary lacked are read anew: it may have them now."""
        for user_id in self._residents.with_strangers():
            self.forget(user_id)

    def flush(self, seconds: float = 2.0) -> bool:
        """Writes what the online store lacks now instead of a little later; whether all is written."""
        return self._writer.flush(seconds)

    def close(self) -> None:
        """Writes what the online store lacks, for a moment; what it then lacks comes again from the log."""
        self._writer.close()
        self._loader.close()
        if self._check is not None:
            self._check.close()

    def faults(self) -> dict[str, str | None]:
        """What is wrong with each store, in a sentence; None: nothing."""
        faults: dict[str, str | None] = {EVENT_LOG: None, ONLINE_STORE: None}
        try:
            self._log.last_seq()
        except DatabaseError as error:
            faults[EVENT_LOG] = str(error)
        try:
            self._loader.rows().namespace.check_marker()
        except StoreUnavailableError as error:
            faults[ONLINE_STORE] = str(error)
        return faults

    # --- how

    async def _looked(self, wait_s: float) -> Followed:
        """What a look at the log finds: a local one here, a remote one in a thread and for all who wait."""
        if self._at is not None:
            return Followed()
        return self._follow() if self._check is None else await self._check.looked(wait_s)

    def _follow(self) -> Followed:
        """A look at the log, which takes in a little; a thread takes in what is more."""
        if self._at is not None:
            return Followed()
        followed = self._follower.follow(ON_THE_LOOP)
        if followed.is_behind:
            with self._lock:
                if self._behind is None or self._behind.done():
                    self._behind = self._loader.submit(self._follower.follow_to_end)
        return followed

    def _take_tail(self, resident: Resident) -> bool:
        """Takes in a user's own events, a few; False where there are more, or the log is remote."""
        if self._check is not None:
            return False
        try:
            tail = list(self._loader.tail(resident.user_id, resident.last_seq, ON_THE_LOOP))
        except ManyEventsError:
            return False
        except DatabaseError:
            return True
        changed = [resident.advance(part) for part in tail]
        if any(changed):
            self._changed(resident)
        return True

    def _load(self, user_id: str) -> Future[Loaded]:
        """Reads a user in a thread, once for all who ask meanwhile."""
        with self._lock:
            load = self._loads.get(user_id)
            if load is None:
                self._residents.expect(user_id)
                load = self._loads[user_id] = self._loader.load(user_id, self._end_load)
            return load

    def _end_load(self, user_id: str, loaded: Loaded | None) -> None:
        with self._lock:  # who asks from now on finds the user in memory, or reads again
            stays = loaded is not None and not loaded.missing and user_id not in self._outdated
            if loaded is not None and stays:
                self._residents.admit(loaded.resident)
            else:
                self._residents.give_up(user_id)  # who is incomplete does not stay
            self._loads.pop(user_id, None)
            self._outdated.discard(user_id)
        if loaded is not None and stays and loaded.is_due:
            self._writer.mark([loaded.resident])

    def _changed(self, resident: Resident) -> None:
        self._residents.weigh([resident])
        self._writer.mark([resident])


async def _within(until: float | None, work: Future[T]) -> T:
    """What a thread's work gives; it goes on after a TimeoutError."""
    waiting = asyncio.wrap_future(work)
    if until is None:
        return await waiting
    try:
        return await asyncio.wait_for(asyncio.shield(waiting), until - asyncio.get_running_loop().time())
    except TimeoutError:
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise
