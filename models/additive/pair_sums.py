"""Sums of pairs: a sparse matrix that lies on disk, mapped, and what has been added to it since, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from features.arrays import Float64, Int32, Int64
from models.additive.weighing import strongest_of_rows


@dataclass(frozen=True, kw_only=True)
class PairRows:
    """Compressed sparse rows: indptr (n_rows + 1,), indices (n_entries,) ascending in each row, data (n_entries,)."""

    indptr: Int64
    indices: Int32
    data: Float64
    n_columns: int

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> PairRows:
        """Without its zeros."""
        matrix = matrix.tocsr()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return cls(
            indptr=matrix.indptr.astype(np.int64),
            indices=matrix.indices.astype(np.int32),
            data=matrix.data.astype(np.float64),
            n_columns=matrix.shape[1],
        )

    @property
    def n_rows(self) -> int:
        return len(self.indptr) - 1


class PairSums:
    """(n_rows, n_columns) sums; `add` changes them, the rows that they began with stay as they are."""

    def __init__(self, base: PairRows) -> None:
        self.base = base
        self._change = sparse.csr_matrix((base.n_rows, base.n_columns), dtype=np.float64)

    @property
    def n_changed(self) -> int:
        """Entries that are held beside the mapped ones, 12 bytes each."""
        return int(self._change.nnz)

    def add(self, more: sparse.csr_matrix) -> None:
        """Adds a sparse matrix of their shape."""
        self._change = self._change + more

    def weighted(
        self,
        left: Float64,
        right: Float64,
        *,
        shrinkage: float = 0.0,
        keep: int | None = None,
        means: Float64 | None = None,
        n: float = 0.0,
    ) -> sparse.csr_matrix:
        """(n_rows, n_columns) float32 of (sum - n · means[i] · means[j]) / (left[i] · right[j] + shrinkage).

        The `keep` greatest positive values of each row, ties by ascending column (None: all), as
        `models.retrieval.item_similarity.strongest` selects them. left: (n_rows,), right: (n_columns,); means: None: 0.
        """
        rows, change = self.base, PairRows.of(self._change)
        most = np.diff(rows.indptr) + np.diff(change.indptr)
        starts = np.concatenate([[0], np.cumsum(most if keep is None else np.minimum(most, keep))]).astype(np.int64)
        indices, data = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32)
        lengths = strongest_of_rows(
            *(rows.indptr, rows.indices, rows.data, change.indptr, change.indices, change.data),
            np.ascontiguousarray(left, dtype=np.float64),
            np.ascontiguousarray(right, dtype=np.float64),
            float(shrinkage),
            np.zeros(0) if means is None else means,
            float(n),
            rows.n_columns if keep is None else keep,
            *(starts, indices, data),
        )
        kept = _within(starts, lengths)
        matrix: Any = sparse.csr_matrix((rows.n_rows, rows.n_columns), dtype=np.float32)
        matrix.data, matrix.indices = data[kept], indices[kept]
        matrix.indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return matrix


def _within(starts: Int64, lengths: Int64) -> Int64:
    """Where the first `lengths[r]` entries of each row stand that begins at `starts[r]`."""
    ends = np.cumsum(lengths)
    n_entries = int(ends[-1]) if len(ends) else 0
    places: Int64 = np.arange(n_entries) + np.repeat(starts[:-1] - (ends - lengths), lengths)
    return places
