"""Circuit breaker: a store that did not answer is not used again until it answers a probe in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from features.resilience.repeats import RepeatLogger

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

PROBE_S = 0.5


class StoreUnavailableError(RuntimeError):
    """A store does not answer or has lost its data; the message names it and says what to do."""


class Outage:
    """Circuit breaker of one store: while the store is out, calls fail at once instead of waiting for it.

    probe: asks the store for anything and raises when it does not answer; is_fault: whether an exception means that.
    """

    def __init__(self, store: str, probe: Callable[[], object], is_fault: Callable[[Exception], bool]) -> None:
        self.store = store
        self._probe, self._is_fault = probe, is_fault
        self._reason: str | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def under_way(self) -> bool:
        """Whether the store is out now, so that calls fail at once."""
        return self._reason is not None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Wraps each use of the store.

        Raises:
            StoreUnavailableError: the store is out, or its fault has just shown that it is.
        """
        if self._reason is not None:
            raise StoreUnavailableError(self._sentence(self._reason))
        try:
            yield
        except Exception as error:
            if not self._is_fault(error):
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            self._begin(reason)
            raise StoreUnavailableError(self._sentence(reason)) from error

    def close(self) -> None:
        """Stops the probing; the store is no longer used."""
        self._closed.set()

    def _sentence(self, reason: str) -> str:
        return f"{self.store} does not answer: {reason}"

    def _begin(self, reason: str) -> None:
        with self._lock:
            if self._reason is not None or self._closed.is_set():
                return
            self._reason = reason
        repeats.warning("%s does not answer (%s); it is probed every %s s", self.store, reason, PROBE_S)
        threading.Thread(target=self._wait_for_it, name="outage", daemon=True).start()

    def _wait_for_it(self) -> None:
        began = time.monotonic()
        while not self._closed.wait(PROBE_S):
            try:
                self._probe()
            except Exception as error:
                logger.debug("%s does not answer yet: %s", self.store, error)
                continue
            self._reason = None
            logger.info("%s answers again after %.1f s", self.store, time.monotonic() - began)
            return
