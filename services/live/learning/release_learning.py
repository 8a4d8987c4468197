"""What one release has learned since it was made, as of the log's end or of any earlier position."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from features.events.database import DatabaseError
from features.events.event_log import EventLog
from features.resilience.repeats import RepeatLogger
from models.learning.base import read_base
from models.learning.catch_up import catch_up
from models.learning.learner import Learned, Learner
from models.learning.user_rows import key_of_digest
from models.recommender import Recommender

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

REST = 4  # times what a learned form took, before the next one


@dataclass(frozen=True)
class Version:
    """A learned state, and its number: the next one has another, also where the position is the same."""

    number: int
    learned: Learned


class ReleaseLearning:
    """`keep_up` is called by one thread, the others may be by any.

    version: the newest state, never changed, which whoever answers takes at once; fault: why there is none newer, in a
    sentence; is_outdated: users were erased, and all is to be learned anew.
    """

    def __init__(
        self,
        folder: Path,
        released: Recommender,
        log: EventLog,
        through: int,
        on_new: Callable[[], None] = lambda: None,
    ) -> None:
        """folder: of the release's sums; through: the last event of the log that the release's data hold.

        Raises:
            OSError, ValueError, UserError: the folder cannot be read.
        """
        self.version: Version | None = None
        self.fault: str | None = None
        self._folder, self._released, self._log, self._through = folder, released, log, through
        self._on_new, self._next = on_new, 0.0
        self.is_outdated, self._is_unsaid = False, True
        self._lock = threading.Lock()
        self._past: Learned | None = None
        self._learner, self._every_s = self._begin()

    def keep_up(self) -> None:
        """Takes in new events and makes a new state of them, at most as often as the params allow.

        Raises:
            DatabaseError: the log does not answer.
            OSError, ValueError, UserError: the folder was to be read again, and cannot be.
        """
        if self.is_outdated:
            self.is_outdated, self._is_unsaid, self._past = False, True, None  # another erasure may come meanwhile
            try:
                self._learner, self._every_s = self._begin()
            except BaseException:
                self.is_outdated = True
                raise
        elif time.monotonic() < self._next:
            return
        catch_up(self._learner, self._log)
        if not self._learner.n_waiting and not self._is_unsaid:
            return
        started = time.monotonic()
        learned = self._learner.learned()
        ended = time.monotonic()
        self._next = ended + max(self._every_s, REST * (ended - started))
        self.version = Version(1 if self.version is None else self.version.number + 1, learned)
        self._is_unsaid = False
        self._on_new()
        if learned.left_out:
            left_out = " ".join(f"{name}={n}" for name, n in sorted(learned.left_out.items()))
            repeats.warning("new events of users with more pairs than learn.max_pairs are not learned: %s", left_out)

    def try_to_keep_up(self) -> None:
        """As `keep_up`; what goes wrong is said in the log and in `fault`, and tried again by the next call."""
        try:
            self.keep_up()
            self.fault = None
        except DatabaseError as error:
            self.fault = f"new events are not learned for now: {error}"
            repeats.warning("%s", self.fault)
        except Exception as error:
            self.fault = f"new events are not learned for now ({type(error).__name__}: {error})"
            repeats.exception("%s", self.fault)

    def forget(self, digests: Collection[str]) -> None:
        """Users of these digests were erased, from files and log too: everything is learned anew, without them."""
        self.is_outdated |= any(self._learner.knows(key_of_digest(digest)) for digest in digests)

    def as_of(self, position: int) -> Learned:
        """The state as of an earlier position, learned anew, which takes a moment."""
        version = self.version
        if version is not None and version.learned.position == position:
            return version.learned
        with self._lock:
            if self._past is None or self._past.position != position:
                learner, _ = self._begin()
                catch_up(learner, self._log, position)
                self._past = learner.learned()
            return self._past

    def _begin(self) -> tuple[Learner, float]:
        base = read_base(self._folder)
        if base is None:
            raise FileNotFoundError(f"{self._folder}: the sums that learning begins with are not there")
        recommender = self._released
        learner = Learner(recommender.retrievers, recommender.catalogue, base, recommender.positives, self._through)
        return learner, base.params.every_s


class LearningThread:
    """Keeps what the answering releases have learned up to date."""

    def __init__(self, answering: Callable[[], Collection[ReleaseLearning]], look_s: float = 0.25) -> None:
        self._answering, self._look_s = answering, look_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="learning", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended.wait(self._look_s):
            for learning in self._answering():
                learning.try_to_keep_up()
