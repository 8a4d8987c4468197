"""Batches: right-padded windows of the users' histories, with the next items as targets at each position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.arrays import Float32, Int64
from models.data.types import Log
from models.transformer.shape import gap_buckets


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch of windows of similar length.

    items, gaps: (n_windows, length) positions and buckets of the time until the next event, padded with 0;
    places: (n_targets,) flat positions in the windows, several targets may share one; targets, weights: (n_targets,).
    """

    items: Int64
    gaps: Int64
    places: Int64
    targets: Int64
    weights: Float32


@dataclass(frozen=True)
class Histories:
    """The trusted rows of users with at least two, sorted by user, then by time; ties keep the order of the log."""

    users: Int64
    items: Int64
    times: Int64
    weights: Float32

    @classmethod
    def of(cls, log: Log) -> Histories:
        keep = (log.weights > 0) & (np.bincount(log.users[log.weights > 0], minlength=log.n_users) > 1)[log.users]
        order = np.flatnonzero(keep)
        order = order[np.lexsort((log.times[order], log.users[order]))]
        users, items = log.users[order].astype(np.int64), log.items[order].astype(np.int64)
        return cls(users, items, log.times[order], log.weights[order])

    def __len__(self) -> int:
        return len(self.users)

    def epoch(self, rng: np.random.Generator, length: int, tokens: int, parts: int) -> Iterator[list[Batch]]:
        """Every event of every user once, in windows of at most `length`, about `tokens` positions per training step.

        Each step is split into `parts` of similar size (fewer if there are fewer windows) for parallel work. Events
        with equal timestamps are targets of the previous timestamp's last event and of their predecessor. Windows
        start at other positions in each epoch. Repeated items are inputs but not targets, since recommendations are
        new items.
        """
        weights, gaps, steps = self._expected
        starts, stops = _windows(self.users, rng, length)
        for chosen in _groups(stops - starts, rng, tokens):
            shares = [chosen[part::parts] for part in range(min(parts, len(chosen)))]
            batches = [_batch(self.items, gaps, weights, steps, starts[share], stops[share]) for share in shares]
            batches = [batch for batch in batches if len(batch.targets)]
            if batches:
                yield batches

    @cached_property
    def _expected(self) -> tuple[Float32, Int64, Int64]:
        """Data that all epochs share: (n_rows,) target weights, (n_rows,) buckets of the time until the next row,
        (2, n_steps) steps whose target has a weight."""
        weights = self.weights.copy()
        weights[_had_before(self.users, self.items)] = 0.0
        gaps = gap_buckets(np.diff(self.times, append=self.times[-1:]))
        steps = _steps(self.users, self.times)
        return weights, gaps, steps[:, weights[steps[1]] > 0]


def _had_before(users: Int64, items: Int64) -> Int64:
    """Mask of rows whose item occurs in an earlier row of the same user."""
    order = np.lexsort((np.arange(len(items)), items, users))
    again = (users[order[1:]] == users[order[:-1]]) & (items[order[1:]] == items[order[:-1]])
    repeats: Int64 = order[1:][again]
    return repeats


def _steps(users: Int64, times: Int64) -> Int64:
    """(2, n_steps) source rows, ascending, and their target rows. The sources of a row are the row before it and the
    last row of the previous timestamp."""
    rows = np.arange(1, len(users))
    rows = rows[users[rows] == users[rows - 1]]
    opening = np.ones(len(users), dtype=np.bool_)
    opening[1:] = (users[1:] != users[:-1]) | (times[1:] != times[:-1])
    before = np.maximum.accumulate(np.where(opening, np.arange(len(users)), 0))[rows] - 1
    further = (before < rows - 1) & (before >= 0)
    further &= users[before] == users[rows]
    steps = np.stack([np.append(rows - 1, before[further]), np.append(rows, rows[further])])
    ordered: Int64 = steps[:, np.argsort(steps[0], kind="stable")]
    return ordered


def _windows(users: Int64, rng: np.random.Generator, length: int) -> tuple[Int64, Int64]:
    """Windows as row ranges start..stop-1; the target of each row is the next row. A user's first window is shorter."""
    first = np.flatnonzero(np.diff(users, prepend=-1))
    last = np.append(first[1:], len(users)) - 1
    head = np.where(last - first > length, rng.integers(1, length + 1, len(first)), length)
    n_windows = 1 + np.maximum(-(-(last - first - head) // length), 0)
    number = np.arange(n_windows.sum()) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    begin, head, end = (np.repeat(column, n_windows) for column in (first, head, last))
    starts = np.where(number == 0, begin, begin + head + (number - 1) * length)
    stops = np.minimum(begin + head + number * length, end)
    return starts, stops


def _groups(lengths: Int64, rng: np.random.Generator, tokens: int) -> list[Int64]:
    """Groups of windows of similar length, in random order."""
    order = np.lexsort((rng.random(len(lengths)), -lengths))
    groups, start = [], 0
    while start < len(order):
        stop = start + max(1, tokens // int(lengths[order[start]]))
        groups.append(order[start:stop])
        start = stop
    return [groups[number] for number in rng.permutation(len(groups))]


def _batch(items: Int64, gaps: Int64, weights: Float32, steps: Int64, starts: Int64, stops: Int64) -> Batch:
    length = int((stops - starts).max())
    rows = starts[:, None] + np.arange(length)
    there = rows < stops[:, None]
    rows = np.where(there, rows, 0)
    first, last = np.searchsorted(steps[0], starts), np.searchsorted(steps[0], stops)
    windows = np.repeat(np.arange(len(starts)), last - first)
    columns = np.arange(len(windows)) + np.repeat(last - np.cumsum(last - first), last - first)
    places, targets = steps[:, columns]
    return Batch(
        items=np.where(there, items[rows], 0),
        gaps=np.where(there, gaps[rows], 0),
        places=windows * length + places - starts[windows],
        targets=items[targets],
        weights=weights[targets],
    )
