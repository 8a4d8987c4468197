"""Transitions: how often one item follows another in a user's sequence, weighted down by distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from features.arrays import Float32, Float64, Int32, Int64
from models.data.ragged import Ragged
from models.data.types import Log


@dataclass(frozen=True)
class Sequences:
    """The trusted rows of a log by user, then time; rows with equal timestamps keep the order of the log.

    users, items, weights: (n_rows,); occurrences: the rows of each item, ascending.
    """

    users: Int32
    items: Int32
    weights: Float64
    occurrences: Ragged[np.int64]

    @classmethod
    def of(cls, log: Log, n_items: int, weights: Float64) -> Sequences:
        """weights: (n_rows,) of the log's rows; rows with weight 0 are dropped."""
        rows = np.flatnonzero(weights > 0)
        rows = rows[np.argsort(log.users[rows], kind="stable")]
        items = log.items[rows]
        by_item = np.argsort(items, kind="stable")
        return cls(log.users[rows], items, weights[rows], Ragged.grouped(items[by_item], n_items, by_item))


def transitions(
    sequences: Sequences, start: int, stop: int, n_items: int, window: int, power: float, backward: float
) -> Float32:
    """(stop - start, n_items): for items start..stop-1 the sum of w · w' · gap^-power over the following events of the
    same user within `window` events, and `backward` times that for preceding events. No item follows itself.
    """
    sums = np.zeros((stop - start, n_items), dtype=np.float32)
    by_gap = np.arange(1, window + 1, dtype=np.float64) ** -power
    _add(
        sums,
        start,
        sequences.users,
        sequences.items,
        sequences.weights,
        sequences.occurrences.values,
        sequences.occurrences.offsets,
        by_gap,
        backward,
    )
    return sums


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add(
    sums: Float32,
    start: int,
    users: Int32,
    items: Int32,
    weights: Float64,
    occurrences: Int64,
    bounds: Int64,
    by_gap: Float64,
    backward: float,
) -> None:
    row = np.zeros(sums.shape[1], dtype=np.float64)
    for line in range(sums.shape[0]):
        item = start + line
        row[:] = 0.0
        for occurrence in range(bounds[item], bounds[item + 1]):
            act = occurrences[occurrence]
            for gap in range(1, len(by_gap) + 1):
                other = act + gap
                if other >= len(users) or users[other] != users[act]:
                    break
                row[items[other]] += weights[act] * weights[other] * by_gap[gap - 1]
            for gap in range(1, len(by_gap) + 1 if backward > 0 else 1):
                other = act - gap
                if other < 0 or users[other] != users[act]:
                    break
                row[items[other]] += backward * weights[act] * weights[other] * by_gap[gap - 1]
        row[item] = 0.0
        sums[line] = row
