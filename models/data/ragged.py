"""Ragged arrays: rows of different lengths in one array, and where each begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from features.arrays import Int64, Integers

T = TypeVar("T", bound=np.generic)


def offsets_of_lengths(lengths: Integers | Sequence[int]) -> Int64:
    """(n_rows + 1,) where rows of these lengths begin and end."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def offsets_of(owners: Integers, n_rows: int) -> Int64:
    """(n_rows + 1,) where each row's entries begin and end; owners: (n,) the row of each entry, ascending."""
    return offsets_of_lengths(np.bincount(owners, minlength=n_rows))


def owners_of(offsets: Integers) -> Int64:
    """(n,) the row of each entry."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))


@dataclass(frozen=True)
class Ragged(Generic[T]):
    """Rows of different lengths: row r is `values[offsets[r]:offsets[r + 1]]`.

    offsets: (n_rows + 1,), the first is 0; values: (n_entries,) of all rows, one row after the other.
    """

    offsets: Int64
    values: npt.NDArray[T]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> npt.NDArray[T]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @classmethod
    def of_rows(cls, rows: Sequence[npt.NDArray[T]], kind: Any) -> Ragged[T]:
        """From the rows themselves; kind: their type, also where there is none."""
        values = np.concatenate([np.zeros(0, dtype=kind), *rows]).astype(kind, copy=False)
        return cls(offsets_of_lengths([len(row) for row in rows]), values)

    @classmethod
    def one_row(cls, values: npt.NDArray[T]) -> Ragged[T]:
        """A single row."""
        return cls(np.array([0, len(values)], dtype=np.int64), values)

    @classmethod
    def empty_rows(cls, n_rows: int, kind: Any) -> Ragged[T]:
        """Rows without entries; kind: the type of the entries."""
        return cls(np.zeros(n_rows + 1, dtype=np.int64), np.zeros(0, dtype=kind))

    @classmethod
    def grouped(cls, owners: Integers, n_rows: int, values: npt.NDArray[T]) -> Ragged[T]:
        """From entries that are sorted by row; owners: (n_entries,) the row of each entry, ascending."""
        return cls(offsets_of(owners, n_rows), values)

    @property
    def lengths(self) -> Int64:
        """(n_rows,)"""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Int64:
        """(n_entries,) the row of each entry."""
        return owners_of(self.offsets)

    def part(self, start: int, stop: int) -> Ragged[T]:
        """Rows start..stop-1."""
        first, last = self.offsets[start], self.offsets[stop]
        return Ragged(self.offsets[start : stop + 1] - first, self.values[first:last])

    def rows(self, chosen: Integers) -> Ragged[T]:
        """Some rows in the order given, repeated ones too; -1: an empty row."""
        if not len(self):
            return Ragged(np.zeros(len(chosen) + 1, dtype=np.int64), self.values[:0])
        exists = chosen >= 0
        row = np.where(exists, chosen, 0)
        return self.take(ranges(self.offsets[row], np.where(exists, self.lengths[row], 0)))

    def take(self, positions: Ragged[np.int64]) -> Ragged[T]:
        """Rows made of the entries at some positions of `values`."""
        return Ragged(positions.offsets, self.values[positions.values])


def ranges(starts: Integers, lengths: Integers) -> Ragged[np.int64]:
    """Row r holds the numbers starts[r], …, starts[r] + lengths[r] - 1."""
    offsets = offsets_of_lengths(lengths)
    shift = np.repeat(starts - offsets[:-1], np.diff(offsets))
    return Ragged(offsets, (np.arange(offsets[-1]) + shift).astype(np.int64, copy=False))
