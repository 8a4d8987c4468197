"""Many arrivals of one key at once, bit-identical to repeated `advance`, in linear time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, Bool, Float32, Float64, Int64
from features.positives import Positives
from features.states.aggregates import N_AMOUNTS, POSITION, WINDOWS_DAYS, amounts_of, no_state

_first, _last, _known = POSITION["first_at"], POSITION["last_at"], POSITION["known_at"]
_widths = np.array(WINDOWS_DAYS, dtype=np.float64) * MICROSECONDS_A_DAY
_n_sums = len(WINDOWS_DAYS)


class Event(Protocol):
    """The fields of an event of the log (features.events.event_log.Event) that the recursion needs."""

    @property
    def seq(self) -> int: ...
    @property
    def item_id(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> float | None: ...
    @property
    def known_at(self) -> int: ...


@dataclass(frozen=True)
class Arrivals:
    """Events of the log, in order of seq, as the recursion takes them.

    amounts: (n, N_AMOUNTS); arrival, event_at: (n,) µs, event_at NaN for impressions; the others: (n,).
    """

    amounts: Float64
    arrival: Float64
    event_at: Float64
    seqs: Int64
    timestamps: Int64
    known_at: Int64
    impression: Bool
    positive: Bool

    @classmethod
    def of(cls, events: Sequence[Event], prices: Float32, positives: Positives) -> Arrivals:
        """prices: (n,) of each event's item, NaN where unknown."""
        timestamps = np.array([event.timestamp for event in events], dtype=np.int64)
        known_at = np.array([event.known_at for event in events], dtype=np.int64)
        values = np.array([np.nan if event.value is None else event.value for event in events], dtype=np.float64)
        kinds = {event.event: event.event in positives for event in events}
        impression = np.array([event.event == "impression" for event in events], dtype=np.bool_)
        positive = np.array([kinds[event.event] for event in events], dtype=np.bool_)
        arrival = np.maximum(known_at, timestamps).astype(np.float64)
        timestamp = timestamps.astype(np.float64)
        amounts = amounts_of(arrival, timestamp, positive, impression, values, prices.astype(np.float32))
        event_at = np.where(impression, np.nan, timestamp)
        seqs = np.array([event.seq for event in events], dtype=np.int64)
        return cls(amounts, arrival, event_at, seqs, timestamps, known_at, impression, positive)

    def take(self, rows: Int64 | Bool) -> Arrivals:
        """Some of them, in order."""
        return Arrivals(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def after(self, seq: int) -> Arrivals:
        """Those that a row which holds the log up to `seq` lacks."""
        return self.take(self.seqs > seq)


def advance_through(state: Float64, arrivals: Arrivals) -> Float64:
    """The state (len(STATE),) of one key after all arrivals; a row of NaN is a key of which nothing is known."""
    if not len(arrivals.seqs):
        return state
    before = no_state(1)[0] if np.isnan(state[_known]) else state
    newest = np.fmax.accumulate(np.append(before[_known], arrivals.arrival))
    gap = np.fmax(arrivals.arrival - newest[:-1], 0.0)
    decay = np.exp(-gap[:, None] / _widths)
    after = before.copy()
    for column in range(_n_sums):  # the only columns where each step needs the one before
        total = float(before[column])
        for factor, amount in zip(decay[:, column].tolist(), arrivals.amounts[:, column].tolist(), strict=True):
            total = total * factor + amount
        after[column] = total
    counted = slice(_n_sums, N_AMOUNTS)
    # `accumulate` adds from first to last, as the steps do; `sum` would add in pairs
    after[counted] = np.add.accumulate(np.vstack([before[None, counted], arrivals.amounts[:, counted]]))[-1]
    after[_first] = np.fmin(before[_first], np.fmin.reduce(arrivals.event_at))
    after[_last] = np.fmax(before[_last], np.fmax.reduce(arrivals.event_at))
    after[_known] = newest[-1]
    return after
