"""Arrivals: the instant at which an event became known, corrected where a clock was wrong."""

from __future__ import annotations

import polars as pl

from features.events.clock import FAR_US, SKEW_US
from features.events.database import Statements

_MOST_AHEAD = 20_000  # events that are looked at for the beginning of a moment ahead


def next_arrival(statements: Statements, last: int, now: int, passed: int | None) -> int:
    """`known_at` [µs] of the next event: later than that of the one before, whatever the clock says.

    passed: an instant [µs] that is known to lie in the past, None where there is none.

    Only where a clock far ahead has dated the newest events does the log return to the present; else all that comes
    later would be dated ahead for as long as that clock was.
    """
    if last > now + FAR_US and _were_dated_ahead(statements, now, passed):
        return now
    return max(last + 1, now)


def clamp(events: pl.DataFrame) -> pl.DataFrame:
    """The same events with times in order: `known_at` never decreases, and `timestamp` is never after `known_at`."""
    known_at = events["known_at"].reverse().cum_min().reverse()
    return events.with_columns(known_at, timestamp=pl.min_horizontal(events["timestamp"], known_at))


def _were_dated_ahead(statements: Statements, now: int, passed: int | None) -> bool:
    """Whether the newest events follow a leap of more than a day from one that is not later than now.

    Without such a leap the log has gone on evenly beyond now: then it is the present clock that is behind. Of a log
    that has no earlier event, `passed` decides.
    """
    rows = statements.execute("select known_at from events order by seq desc limit ?", (_MOST_AHEAD,))
    later = now
    for (known_at,) in rows:
        if known_at <= now + SKEW_US:
            return bool(later - known_at > FAR_US)
        later = known_at
    return len(rows) < _MOST_AHEAD and passed is not None and now >= passed
