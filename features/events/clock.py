"""Clocks of the event log: the wall clock, with protection against jumps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from features.arrays import MICROSECONDS_A_DAY
from features.resilience.repeats import RepeatLogger

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

SECOND = 1_000_000
SKEW_US = 300 * SECOND  # allowed clock difference between senders and this machine
FAR_US = MICROSECONDS_A_DAY  # more than that is no difference of clocks: one of them is wrong
BELIEVED_AFTER_US = 600 * SECOND


def clock() -> int:
    """This instant by the wall clock, µs since 1970 UTC."""
    return time.time_ns() // 1000


def elapsed() -> int:
    """µs since some moment, untouched by whoever sets the clock; a suspended machine's count too where Linux runs."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    return time.monotonic_ns() // 1000


class SteadyClock:
    """The wall clock, but a jump ahead counts only when it has lasted ten minutes.

    So a briefly wrong clock dates no event. A jump back counts at once.
    """

    def __init__(self, wall: Callable[[], int] = clock, passed: Callable[[], int] = elapsed) -> None:
        self._wall, self._passed = wall, passed
        self._lock = threading.Lock()
        self._anchor: tuple[int, int] | None = None  # wall clock, µs passed
        self._ahead_since: int | None = None

    def __call__(self) -> int:
        wall, passed = self._wall(), self._passed()
        with self._lock:
            if self._anchor is not None:
                expected = self._anchor[0] + passed - self._anchor[1]
                if wall > expected + SKEW_US:
                    self._ahead_since = passed if self._ahead_since is None else self._ahead_since
                    if passed - self._ahead_since < BELIEVED_AFTER_US:
                        repeats.warning(
                            "the clock has jumped ahead by %.0f s; ignored for now", (wall - expected) / SECOND
                        )
                        return expected
            self._anchor, self._ahead_since = (wall, passed), None
            return wall


class Horizon:
    """The latest instant that has certainly passed; it advances with elapsed time and never goes back."""

    def __init__(self, passed: Callable[[], int] = elapsed) -> None:
        self._passed = passed
        self._noted: tuple[int, int] | None = None

    def note(self, instant: int) -> int:
        """Notes an instant that has passed; returns the horizon."""
        passed = self._passed()
        if self._noted is None or instant > self._noted[0] + passed - self._noted[1]:
            self._noted = (instant, passed)
        return self._noted[0] + passed - self._noted[1]
