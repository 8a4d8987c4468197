"""The consumer: fetch, commit, acknowledge; what cannot be recorded goes to the dead letters and blocks nothing."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from features.events.database import DatabaseError
from features.events.event_log import EventLog, NewEvent, ValueRefusedError
from features.privacy.hashed_ids import IdHasher
from features.resilience.repeats import RepeatLogger
from features.streams.counts import Counts
from features.streams.dead_letters import DeadLetters
from features.streams.event_source import EventSource, SourceError, StreamMessage
from features.streams.intake import Refusal, Taken, take

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

A_BATCH = 1_000  # messages
A_COMMIT = 10_000  # events
IN_MEMORY = 32 << 20  # bytes of messages in one batch, as far as those before tell
WAIT_S = 1.0  # for the first message
LEAST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 15.0

T = TypeVar("T")


class Consumer:
    """Moves a stream into the event log: at least once from the broker, once into the log.

    The next batch is fetched when the one before is durable and acknowledged. A broker or database that is away is
    asked again, later and later; nothing is acknowledged meanwhile. hasher: of users' ids, asked before each batch.
    """

    def __init__(
        self,
        source: EventSource,
        log: EventLog,
        letters: DeadLetters,
        *,
        hasher: Callable[[], IdHasher | None] = lambda: None,
        batch: int = A_BATCH,
        counts: Counts | None = None,
    ) -> None:
        self.source, self._log, self._letters = source, log, letters
        self._hasher, self._batch = hasher, batch
        self._limit = batch
        self.counts = counts or Counts(source.name)
        self._stopped = False  # no Event: a signal handler sets it, and an Event's lock may be held just then

    def stop(self) -> None:
        """Ends `run` after the commit under way; may be called from a signal handler or another thread."""
        self._stopped = True

    def run(self, *, until_empty: bool = False) -> None:
        """Consumes until `stop`, or until nothing more is there.

        Raises:
            UserError: the stream is not there, or the key of hashed ids is missing.
        """
        while not self._stopped:
            messages = self._patiently(lambda: self.source.fetch(self._limit, WAIT_S), SourceError)
            if messages is None or (not messages and until_empty):
                return
            self._bound_memory(messages)
            for commit in self._commits(messages):
                if not self._record(*commit):
                    return
            self.counts.report(self.source)

    def _commits(self, messages: Sequence[StreamMessage]) -> Iterator[tuple[list[StreamMessage], Taken]]:
        """Messages in groups of at most A_COMMIT events, or of one message, with what they hold."""
        hasher, latest = self._hasher(), self._log.latest()
        group, taken = list[StreamMessage](), Taken()
        for message in messages:
            take(message, latest, hasher, taken)
            group.append(message)
            if len(taken.events) >= A_COMMIT:
                yield group, taken
                group, taken = [], Taken()
        if group:
            yield group, taken

    def _record(self, messages: list[StreamMessage], taken: Taken) -> bool:
        """Commits, then acknowledges; False: stopped before the commit.

        A failed acknowledgment is no fault of the commit: the messages come again, and are recognized.
        """
        if self._stopped:
            return False
        n_messages = self._patiently(lambda: self._commit(messages, taken), DatabaseError)
        if n_messages is None:
            return False
        try:
            self.source.acknowledge(messages)
        except SourceError as error:
            repeats.warning(
                "source=%s %d messages are stored but not acknowledged: %s", self.source.name, n_messages, error
            )
        return True

    def _commit(self, messages: Sequence[StreamMessage], taken: Taken) -> int:
        """How many messages are now stored."""
        try:
            self._append(taken.events)
        except ValueRefusedError:
            self._append_one_by_one(taken)
        self.counts.dead_letters += self._letters.add(self.source.name, taken.refusals, self._log.now())
        self.counts.messages += len(messages)
        return len(messages)

    def _append(self, events: Sequence[NewEvent]) -> None:
        if events:
            appended = self._log.append(events)
            self.counts.events += len(appended.events)
            self.counts.duplicates += appended.n_duplicates

    def _append_one_by_one(self, taken: Taken) -> None:
        """The database cannot hold a value of an event: that one is refused, the others are recorded."""
        for event in taken.events:
            try:
                self._append([event])
            except ValueRefusedError as error:
                reason, content = f"the event log cannot hold it: {error}", msgspec.json.encode(event)
                taken.refusals.append(Refusal(str(event.event_id), reason, None, content, event.user_id))

    def _patiently(self, work: Callable[[], T], fault: type[Exception]) -> T | None:
        """The result of work that is tried again while it raises `fault`, later and later; None: stopped meanwhile."""
        pause_s, began = LEAST_PAUSE_S, time.monotonic()
        n_faults = 0
        while True:
            try:
                result = work()
            except fault as error:
                n_faults += 1
                self.counts.outages += n_faults == 1
                repeats.warning("source=%s waits: %s", self.source.name, error)
                self.counts.report(None)
                if self._paused(pause_s * random.uniform(0.8, 1.2)):
                    return None
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            if n_faults:
                logger.info("source=%s goes on after %.1f s", self.source.name, time.monotonic() - began)
            return result

    def _paused(self, pause_s: float) -> bool:
        """Waits; whether the consumer was stopped meanwhile."""
        until = time.monotonic() + pause_s
        while not self._stopped and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(left_s, 0.2))
        return self._stopped

    def _bound_memory(self, messages: Sequence[StreamMessage]) -> None:
        """The next batch as large as IN_MEMORY allows, were its messages like these."""
        if messages:
            mean_bytes = sum(len(message.body) for message in messages) / len(messages)
            self._limit = max(1, min(self._batch, int(IN_MEMORY / max(mean_bytes, 1))))
