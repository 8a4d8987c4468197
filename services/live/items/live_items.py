"""Live items: the state of the item log beside one release, followed at each request, and what may be offered when."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Int64
from features.catalogue_changes.item import ItemState
from features.catalogue_changes.item_log import ItemLog
from features.catalogue_changes.item_tables import shown_fields
from features.events.database import DatabaseError
from features.resilience.repeats import RepeatLogger
from models.data.availability import ALWAYS, NEVER, Availability
from models.data.types import Catalogue

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

LOCK_WAIT_S = 0.1


@dataclass(frozen=True, kw_only=True)
class _Mask:
    """Items of some times that are not offered at any instant from `since` to just before `until`."""

    times: Availability
    since: int
    until: int
    n_items: int
    unavailable: Bool | None


class LiveItems:
    """Items of a release's vocabulary, and those posted since, which take the positions after it in the order of their
    first change ever: every worker gives them the same ones.

    log: None where the service answers as of a fixed instant. Safe to use from several threads.
    """

    def __init__(self, log: ItemLog | None, catalogue: Catalogue) -> None:
        self.last_seq = 0
        self.content_seq = 0  # of the newest change of what an item is
        self.added: list[str] = []
        self.states: dict[str, ItemState] = {}
        self.n_released = catalogue.n_items
        self._log, self._vocabulary = log, catalogue.vocabulary
        self._position_of_added: dict[str, int] = {}
        self._released = catalogue.availability
        self._times = catalogue.availability
        self._mask: _Mask | None = None
        self._lock = threading.Lock()
        self.changed = threading.Event()

    def follow(self) -> None:
        """Takes in what was posted since; normally a short query finds nothing. Without an answer of the log, what is
        known so far holds."""
        if self._log is None or not self._lock.acquire(timeout=LOCK_WAIT_S):
            return  # another thread is doing it
        try:
            last_seq = self._log.last_seq()
            if last_seq > self.last_seq:
                self._take_in(self._log.states(self.last_seq), last_seq)
        except DatabaseError as error:
            repeats.warning("answers go on without new changes of items: %s", error)
        finally:
            self._lock.release()

    def position(self, item_id: str) -> int:
        """The item's position in the vocabulary with all that was posted, -1 when unknown."""
        position = self._vocabulary.position(item_id)
        return position if position >= 0 else self._position_of_added.get(item_id, -1)

    def unavailable(self, at: int, n_items: int) -> Bool | None:
        """(n_items,) which items must not be offered at an instant [µs]; None when all may. Not to be changed."""
        mask, times = self._mask, self._times
        if mask is None or mask.times is not times or mask.n_items != n_items or not mask.since <= at < mask.until:
            mask = self._mask = _mask_at(times, at, n_items)
        return mask.unavailable

    def _take_in(self, states: list[ItemState], last_seq: int) -> None:
        """In the order of first changes: of new items, that of their positions."""
        for state in states:
            if self.position(state.item_id) < 0:
                self._position_of_added[state.item_id] = self.n_released + len(self.added)
                self.added.append(state.item_id)
                self.content_seq = state.seq
            before = self.states.get(state.item_id)
            if (shown_fields(before) if before else {}) != shown_fields(state):
                self.content_seq = max(self.content_seq, state.seq)
            self.states[state.item_id] = state
        n_items = self.n_released + len(self.added)
        starts, ends = _longer(self._times.starts, n_items, ALWAYS), _longer(self._times.ends, n_items, NEVER)
        for state in states:
            position = self.position(state.item_id)
            starts[position], ends[position] = self._times_of(state, position)
        self._times = Availability(starts, ends)
        self.last_seq = last_seq
        self.changed.set()

    def _times_of(self, state: ItemState, position: int) -> tuple[int, int]:
        """When a changed item is offered [µs]; what was not posted is as the release has it."""
        if not state.available:
            return NEVER, ALWAYS
        released = position < self.n_released
        start = int(self._released.starts[position]) if released else ALWAYS
        end = int(self._released.ends[position]) if released else NEVER
        if "available_from" in state.fields or "created_at" in state.fields:
            start = ALWAYS if state.starts is None else state.starts
        if "available_until" in state.fields:
            end = NEVER if state.ends is None else state.ends
        return start, end


def _mask_at(times: Availability, at: int, n_items: int) -> _Mask:
    first = Availability(times.starts[:n_items], times.ends[:n_items])
    instants = np.concatenate([first.starts, first.ends])
    since = int(instants.max(initial=ALWAYS, where=instants <= at))
    until = int(instants.min(initial=NEVER, where=instants > at))
    return _Mask(times=times, since=since, until=until, n_items=n_items, unavailable=first.unavailable_at(at))


def _longer(times: Int64, n_items: int, filling: int) -> Int64:
    """A copy of n_items instants."""
    longer = np.full(n_items, filling, dtype=np.int64)
    longer[: len(times)] = times
    return longer
