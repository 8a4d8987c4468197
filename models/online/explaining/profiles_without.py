"""Profiles of a history without some of its items: what each other item then weighs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, Bool, Float32, Float64, Int32, Int64
from models.online.kernel_cache import kernel
from models.single_query.one_query import OneQuery
from models.single_query.query_plans import Newest, Profile

DAY = float(MICROSECONDS_A_DAY)


class ProfilesWithout:
    """The profiles of one query without some items; retrievers with the same decay share them."""

    def __init__(self, query: OneQuery) -> None:
        self.query = query
        self._of: dict[tuple[Profile, bytes], Float32] = {}

    def of(self, profile: Profile, left_out: Sequence[Int32]) -> Float32:
        """(1 + n_left_out, n_distinct) weights of the distinct items of the history, as `profile_of` gives them for the
        whole history (the first row) and for the history without some items each, every event of them.

        To leave out an item makes older ones newer: they are decayed by one event less, by days from the event that is
        the newest then, and further events come within the newest ones.
        """
        lengths = [len(items) for items in left_out]
        items = np.concatenate(left_out)
        key = (profile, np.array(lengths).tobytes() + items.tobytes())
        weights = self._of.get(key)
        if weights is None:
            removed = np.zeros((1 + len(lengths), len(self.query.distinct)), dtype=np.bool_)
            rows = np.repeat(np.arange(1, 1 + len(lengths)), lengths)
            removed[rows, np.searchsorted(self.query.distinct, items)] = True
            weights = self._of[key] = _weights(self.query, profile, removed)
        return weights


def _weights(query: OneQuery, profile: Profile, removed: Bool) -> Float32:
    weights = np.zeros(removed.shape)
    if isinstance(profile, Newest):
        place = np.searchsorted(query.distinct, query.items).astype(np.int32)
        _newest(place, query.weights, removed, profile.n_events, profile.power, weights)
    else:
        by_time = np.lexsort((query.distinct, query.latest))
        events, days = profile.half_life_events or 0.0, profile.half_life_days or 0.0
        _decayed(by_time, query.latest[by_time], query.latest_weights[by_time], removed, events, days, weights)
    return weights.astype(np.float32)


@kernel(
    "void(int64[::1], int64[::1], float64[::1], boolean[:, ::1], float64, float64, float64[:, ::1])",
)
def _decayed(
    by_time: Int64, times: Int64, weights: Float64, removed: Bool, events: float, days: float, out: Float64
) -> None:
    """Fills `out` (n_rows, n_distinct), which is 0; by_time: the distinct items, oldest first; times, weights: of their
    newest events; events, days: half-lives, 0: no decay."""
    n = len(by_time)
    by_event, by_age = np.ones(n), np.ones(n)
    if events > 0:
        for newer in range(n):
            by_event[newer] = 2.0 ** (-newer / events)
    aged_from = -1
    for row in range(len(out)):
        newest = n - 1
        while newest >= 0 and removed[row, by_time[newest]]:
            newest -= 1
        if days > 0 and newest >= 0 and newest != aged_from:
            aged_from = newest
            for place in range(newest + 1):
                by_age[place] = 2.0 ** (-((times[newest] - times[place]) / DAY) / days)
        newer = 0
        for place in range(newest, -1, -1):
            if not removed[row, by_time[place]]:
                out[row, by_time[place]] = weights[place] * by_event[newer] * by_age[place]
                newer += 1


@kernel("void(int32[::1], float64[::1], boolean[:, ::1], int64, float64, float64[:, ::1])")
def _newest(place: Int32, weights: Float64, removed: Bool, n_events: int, power: float, out: Float64) -> None:
    """Adds to `out` (n_rows, n_distinct), which is 0; place: (n_history,) the distinct item of each event."""
    for row in range(len(out)):
        newer = 0
        for event in range(len(place) - 1, -1, -1):
            item = place[event]
            if removed[row, item]:
                continue
            if newer == n_events:
                break
            weight = (newer + 1.0) ** -power * weights[event]
            if weight > 0:
                out[row, item] += weight
            newer += 1
