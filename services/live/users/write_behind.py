"""Writes users' states to the online store behind the requests; what is lost on the way comes again from the log."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from features.online.live.live_rows import LiveRows
from features.online.online_place import WriteRefusedError
from features.resilience.outages import StoreUnavailableError
from features.resilience.repeats import RepeatLogger
from services.live.users.resident import Resident

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

AFTER_S = 2.0  # what a user does in that time is written once
A_BATCH = 16  # users that are written at a time: requests wait for Python's lock meanwhile
PAUSE_S = 0.02  # between two batches,
HURRY = 1_000  # unless so many wait
MOST_WAITING = 20_000
RETRY_S = 2.0
LOCK_WAIT_S = 1.0
FLUSH_S = 2.0  # on closing


class WriteBehind:
    """One thread, which nobody waits for."""

    def __init__(self, rows: Callable[[], LiveRows], after_s: float = AFTER_S) -> None:
        """rows: the store as the calling thread writes it."""
        self._rows, self._after_s = rows, after_s
        self._changed = threading.Condition()
        self._since: dict[str, tuple[Resident, float]] = {}  # the first who changed first
        self._writing = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def mark(self, residents: Iterable[Resident]) -> None:
        """Users whose states have changed."""
        with self._changed:
            if self._closed:
                return
            for resident in residents:
                waiting = self._since.get(resident.user_id)
                if waiting is not None:
                    self._since[resident.user_id] = (resident, waiting[1])
                    continue
                self._since[resident.user_id] = (resident, time.monotonic())
                if len(self._since) > MOST_WAITING:
                    self._since.pop(next(iter(self._since)))
            if self._since and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="write-behind", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, user_id: str) -> None:
        """The user's state is not written any more; one that is being written is waited for."""
        with self._writing, self._changed:  # a batch that could not be written waits again
            self._since.pop(user_id, None)

    def user_ids(self) -> list[str]:
        """Whose states wait."""
        with self._changed:
            return list(self._since)

    def flush(self, seconds: float = FLUSH_S) -> bool:
        """Writes all that waits, in the calling thread, as far as the time allows; whether all is written."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            written = self._write_due(float("inf"), left)
            if written is not True:
                return written is None
        return not self._since

    def close(self) -> None:
        """Writes what waits, for a moment, and ends its thread; the next use begins anew."""
        with self._changed:
            waits = bool(self._since)
        if waits:
            self.flush()
        with self._changed:
            self._closed = True
            self._since.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=FLUSH_S)
        self._thread, self._closed = None, False

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._since:
                    self._changed.wait()
                if self._closed:
                    return
                first = next(iter(self._since.values()))[1]
                due = first + self._after_s
                if (left := due - time.monotonic()) > 0:
                    self._changed.wait(left)
                    continue
            written = self._write_due(time.monotonic() - self._after_s)
            with self._changed:
                pause_s = PAUSE_S if len(self._since) < HURRY else 0
                self._changed.wait_for(lambda: self._closed, RETRY_S if written is False else pause_s)

    def _write_due(self, due_by: float, wait_s: float = -1) -> bool | None:
        """Whether a batch of those due is written; None: there is none. Taken and written in one piece, so that who
        waits for `_writing` (at most `wait_s`, -1: for ever) knows of no batch between the two."""
        if not self._writing.acquire(timeout=wait_s):
            return False
        try:
            batch = self._take(due_by)
            return self._write(batch) if batch else None
        finally:
            self._writing.release()

    def _take(self, due_by: float) -> list[Resident]:
        with self._changed:
            due = [user_id for user_id, (_, since) in self._since.items() if since <= due_by]
            return [self._since.pop(user_id)[0] for user_id in due[:A_BATCH]]

    def _write(self, residents: list[Resident]) -> bool:
        """Whether it is written; else it waits again."""
        try:
            batch = [resident.unwritten() for resident in residents]
            self._rows().write(batch, LOCK_WAIT_S)
            for resident, unwritten in zip(residents, batch, strict=True):
                resident.note_written(unwritten)
        except (WriteRefusedError, StoreUnavailableError) as error:
            repeats.warning("states of users are not kept for now, answers go on from memory: %s", error)
        except Exception as error:
            repeats.exception("states of users are not kept for now, answers go on from memory: %s", error)
        else:
            return True
        self.mark(residents)
        return False
