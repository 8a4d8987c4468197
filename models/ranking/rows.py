"""Feature rows of many examples: on disk, and in memory only those that are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from features.arrays import Bool, Float32, Int64
from models.interfaces import Rows

ROWS_AT_ONCE = 1 << 18  # read, or scored, together: about 50 MB


class RowFile:
    """Rows appended to a file as they are computed; `rows()` reads them back."""

    def __init__(self, path: Path, n_features: int) -> None:
        self.path = path
        self._n_features = n_features
        self._file = path.open("wb")

    def append(self, features: Float32) -> None:
        """Appends rows (n_rows, n_features)."""
        if features.shape[1] != self._n_features:
            raise ValueError(f"{self.path}: rows of {features.shape[1]} features, expected {self._n_features}")
        self._file.write(np.ascontiguousarray(features, dtype=np.float32).data)

    def rows(self) -> StoredRows:
        """All rows; nothing can be appended afterwards."""
        self._file.close()
        n_rows = self.path.stat().st_size // (4 * self._n_features)
        return StoredRows(self.path, self._n_features, np.arange(n_rows, dtype=np.int64))


class StoredRows:
    """Some rows of a file, in its order. Indexing reads: a mask, a slice or ascending positions."""

    def __init__(self, path: Path, n_features: int, places: Int64) -> None:
        self._path = path
        self._n_features = n_features
        self._places = places  # in the file, ascending

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self._places), self._n_features

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: Bool | Int64 | slice, /) -> Float32:
        places = self._places[key]
        rows = np.empty((len(places), self._n_features), dtype=np.float32)
        if not len(places):
            return rows
        with self._path.open("rb") as file:
            for start in range(int(places[0]), int(places[-1]) + 1, ROWS_AT_ONCE):
                first, last = np.searchsorted(places, [start, start + ROWS_AT_ONCE])
                if first == last:
                    continue
                offset, stop = int(places[first]), int(places[last - 1]) + 1
                file.seek(4 * self._n_features * offset)
                block = np.fromfile(file, dtype=np.float32, count=(stop - offset) * self._n_features)
                rows[first:last] = block.reshape(-1, self._n_features)[places[first:last] - offset]
        return rows

    def where(self, rows: Bool) -> StoredRows:
        """Those of a mask, still on disk."""
        return StoredRows(self._path, self._n_features, self._places[rows])


def where(features: Rows, rows: Bool) -> Rows:
    """The rows of a mask, not read where they are on disk."""
    return features.where(rows) if isinstance(features, StoredRows) else features[rows]


def blocks_of_rows(features: Rows) -> Iterator[Float32]:
    """All rows in order, some at a time."""
    for start in range(0, len(features), ROWS_AT_ONCE):
        yield features[start : start + ROWS_AT_ONCE]
