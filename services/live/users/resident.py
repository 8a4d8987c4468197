"""A user in memory: the state, the lock of whoever advances it, and what of it the online store lacks."""

from __future__ import annotations

import threading

from features.online.live.live_events import Incoming
from features.online.live.live_rows import Unwritten, is_due
from features.online.live.live_state import LiveState
from services.live.users.session import Session


class Resident:
    """Safe to use from several threads; a session that was given out does not change."""

    def __init__(self, state: LiveState) -> None:
        """state: as it is stored."""
        self._state, self._lock = state, threading.Lock()
        self._n_lacking = 0  # events that the stored history lacks
        self._dirty: set[int] = set()  # categories whose rows the store may lack
        self._session: Session | None = None
        self.n_bytes = state.n_bytes

    @property
    def user_id(self) -> str:
        return self._state.user_id

    @property
    def last_seq(self) -> int:
        """The last event of the log that is in it."""
        return self._state.last_seq

    @property
    def has_strangers(self) -> bool:
        """Whether there are events on items that the vocabulary lacked when they came."""
        return self._state.history.has_strangers

    @property
    def history_is_due(self) -> bool:
        """Whether the stored history lacks so much of the log that it is to be written again."""
        return is_due(len(self._state.history), self._n_lacking)

    def session(self) -> Session:
        """The user as of now."""
        session = self._session
        if session is not None:
            return session
        with self._lock:
            self._session = session = Session.of(self._state)
            return session

    def advance(self, incoming: Incoming) -> bool:
        """Takes in events of this user, those that are in it counting once; whether there was a new one."""
        with self._lock:
            before = self._state.last_seq
            codes = self._state.advance(incoming)
            if self._state.last_seq == before:
                return False
            self._dirty |= set(codes.tolist())
            self._n_lacking += len(incoming.after(before))
            self._session = None
            self.n_bytes = self._state.n_bytes
            return True

    def unwritten(self) -> Unwritten:
        """What the store lacks; the history only where it is due."""
        with self._lock:
            return Unwritten.of(self._state, sorted(self._dirty), self._n_lacking)

    def note_written(self, unwritten: Unwritten) -> None:
        """It is in the store; what came meanwhile is not."""
        with self._lock:
            if unwritten.seq == self._state.last_seq:
                self._dirty.clear()
            if unwritten.history is not None:
                self._n_lacking -= unwritten.n_lacking
