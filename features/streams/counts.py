"""Counts of a consumer: totals for its metrics, and a line of log an interval."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from features.streams.event_source import EventSource, KnowsLag, SourceError

logger = logging.getLogger(__name__)

EVERY_S = 10.0


@dataclass
class Counts:
    """Totals since the start. every_s: between two lines of log; none is written when nothing was consumed."""

    source: str
    every_s: float = EVERY_S
    messages: int = 0
    events: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    outages: int = 0
    lag: int | None = None
    _reported: tuple[int, int] = (0, 0)
    _last: float = field(default_factory=time.monotonic)

    def report(self, source: EventSource | None) -> None:
        """Writes the line when an interval has passed; source: is asked for its lag, None: it does not answer."""
        now = time.monotonic()
        if now - self._last < self.every_s:
            return
        self.lag = _lag_of(source)
        if (self.messages, self.outages) != self._reported:
            logger.info(
                "source=%s messages=%d events=%d duplicates=%d dead_letters=%d outages=%d messages_per_s=%.0f lag=%s",
                *(self.source, self.messages, self.events, self.duplicates, self.dead_letters, self.outages),
                *((self.messages - self._reported[0]) / (now - self._last), "?" if self.lag is None else self.lag),
            )
        self._reported, self._last = (self.messages, self.outages), now

    def text(self) -> str:
        """The totals in a sentence."""
        return (
            f"{self.messages} messages consumed: {self.events} events recorded, {self.duplicates} repeated, "
            f"{self.dead_letters} dead letters"
        )


def _lag_of(source: EventSource | None) -> int | None:
    if not isinstance(source, KnowsLag):
        return None
    try:
        return source.lag()
    except SourceError:
        return None
