"""Erasures: users whom `recops forget` erased leave the memory of this worker within a second."""

from __future__ import annotations

import logging
import threading

from features.resilience.repeats import RepeatLogger
from models.flight.records.erased_users import ErasedUsers, digest_of
from models.flight.records.flight_folder import FlightFolder
from services.live.release import Live

repeats = RepeatLogger(logging.getLogger(__name__))

LOOK_S = 1.0


class Erasures:
    """A thread that reads the list of erased users of the home; normally that is one look at a file's time."""

    def __init__(self, erased: ErasedUsers, live: Live) -> None:
        self._erased, self._live = erased, live
        self._applied: dict[str, int] = dict(erased.until())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="erasures", daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, live: Live) -> Erasures:
        return cls(FlightFolder(live.settings.home).erased, live)

    def apply(self) -> None:
        """Drops whom the list names since the last time."""
        erased = self._erased.until()
        new = {digest for digest, at in erased.items() if self._applied.get(digest) != at}
        if not new:
            return
        for serving in self._live.in_memory():
            if serving.growth.learning is not None:
                serving.growth.learning.forget(new)
            for holder in (serving.sessions, serving.online):
                for user_id in holder.users_in_memory():
                    if digest_of(user_id) in new:
                        holder.forget(user_id)
        self._applied = dict(erased)

    def close(self) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                self.apply()
            except Exception as error:
                repeats.exception("erased users may still be in memory: %s", error)
