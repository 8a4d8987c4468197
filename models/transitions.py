"""Transitions: how often an item was followed by another in the same user's sequence, soon after more than later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from models.interfaces import Float32, Int32, Int64, Log

Float64 = npt.NDArray[np.float64]

LARGEST_INSTANT = 500  # more acts of a user at one instant are a load of data, not a basket: no pairs within it


@dataclass(frozen=True)
class Sequences:
    """The trusted rows of a log by user, then time; of one instant by item, whose order says nothing.

    first, last: (n_rows,) the rows first..last-1 are of the same user and instant as this row.
    occurrences: rows of item i are `occurrences[bounds[i]:bounds[i + 1]]`, ascending.
    """

    users: Int32
    items: Int32
    weights: Float64
    first: Int64
    last: Int64
    occurrences: Int64
    bounds: Int64

    @classmethod
    def of(cls, log: Log, n_items: int, weights: Float64) -> Sequences:
        """weights: (n_rows,) of the log's rows; those of 0 are left out."""
        rows = np.flatnonzero(weights > 0)
        rows = rows[np.lexsort((log.items[rows], log.times[rows], log.users[rows]))]
        users, items, times = log.users[rows], log.items[rows], log.times[rows]
        begins = np.ones(len(rows), dtype=np.bool_)
        begins[1:] = (users[1:] != users[:-1]) | (times[1:] != times[:-1])
        first = np.flatnonzero(begins)
        group = np.cumsum(begins) - 1
        return cls(
            users,
            items,
            weights[rows],
            first[group],
            np.append(first, len(rows))[1:][group],
            np.argsort(items, kind="stable"),
            np.concatenate([[0], np.cumsum(np.bincount(items, minlength=n_items))]).astype(np.int64),
        )


def gap_decay(window: int, power: float) -> tuple[Float64, Float64]:
    """(by gap, at one instant): gap^-power for gaps of 0, ½, 1, … window (half steps, 0 for the first); and the mean
    of it over all orders of an instant of 0, 1, 2, … LARGEST_INSTANT acts, for each pair."""
    steps = np.arange(2 * window + 1) / 2.0
    by_gap = np.zeros(len(steps))
    by_gap[1:] = steps[1:] ** -power
    whole = by_gap[2::2]
    sizes = np.arange(LARGEST_INSTANT + 1)
    at_once = np.zeros(len(sizes))
    for size in sizes[2:]:
        gaps = np.arange(1, min(size - 1, window) + 1)
        at_once[size] = ((size - gaps) * whole[gaps - 1]).sum() / (size * (size - 1) / 2)
    return by_gap, at_once


def transitions(
    sequences: Sequences, start: int, stop: int, n_items: int, window: int, power: float, backward: float
) -> Float32:
    """(stop - start, n_items): for items start..stop-1 the sum of w · w' · gap^-power over the acts that follow theirs
    within `window` acts of the same user, and `backward` of that for the acts that precede.

    The place of an act among those of its instant is unknown: between instants the gap is that of the mean places,
    within one every order is as likely, and each act counts as a follower of every other. No item follows itself.
    """
    by_gap, at_once = gap_decay(window, power)
    found = np.zeros((stop - start, n_items), dtype=np.float32)
    _add(
        found,
        start,
        sequences.users,
        sequences.items,
        sequences.weights,
        sequences.first,
        sequences.last,
        sequences.occurrences,
        sequences.bounds,
        by_gap,
        at_once,
        backward,
    )
    return found


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add(
    found: Float32,
    start: int,
    users: Int32,
    items: Int32,
    weights: Float64,
    first: Int64,
    last: Int64,
    occurrences: Int64,
    bounds: Int64,
    by_gap: Float64,
    at_once: Float64,
    backward: float,
) -> None:
    n_rows = len(users)
    row = np.zeros(found.shape[1], dtype=np.float64)
    for line in range(found.shape[0]):
        own = start + line
        row[:] = 0.0
        for place in range(bounds[own], bounds[own + 1]):
            act = occurrences[place]
            size = last[act] - first[act]
            if 1 < size < len(at_once):
                for other in range(first[act], last[act]):
                    row[items[other]] += weights[act] * weights[other] * at_once[size]
            middle = first[act] + last[act]
            other = last[act]
            while other < n_rows and users[other] == users[act]:
                gap = first[other] + last[other] - middle
                if gap >= len(by_gap):
                    break
                row[items[other]] += weights[act] * weights[other] * by_gap[gap]
                other += 1
            other = first[act] - 1
            while backward > 0 and other >= 0 and users[other] == users[act]:
                gap = middle - first[other] - last[other]
                if gap >= len(by_gap):
                    break
                row[items[other]] += backward * weights[act] * weights[other] * by_gap[gap]
                other -= 1
        row[own] = 0.0
        found[line] = row
