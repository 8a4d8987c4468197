"""Least squares for many rows at once: each row's vector from the fixed vectors of what it chose (numba)."""

from __future__ import annotations

from typing import Any

import numba  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

CHUNK = 4096  # choices of a row that are multiplied at once


@numba.njit(parallel=True, cache=True)  # type: ignore[untyped-decorator]
def solve_rows(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    fixed: npt.NDArray[np.float32],
    gram: npt.NDArray[np.float64],
    ridge: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
) -> Any:
    """out[r] = (gram + ridge[r] I + Σ w v vᵀ)⁻¹ Σ w v over the row's entries; in place.

    indptr, indices, weights: the rows as CSR; fixed: (n_columns, size); gram: (size, size); ridge: (n_rows,);
    out: (n_rows, size). Rows are shared among threads, each is worked out by one alone: bits do not depend on how many.
    BLAS has to be limited to one thread by the caller.
    """
    size = fixed.shape[1]
    for row in numba.prange(len(indptr) - 1):
        matrix = gram.copy()
        for factor in range(size):
            matrix[factor, factor] += ridge[row]
        target = np.zeros(size)
        for start in range(indptr[row], indptr[row + 1], CHUNK):
            stop = min(start + CHUNK, indptr[row + 1])
            vectors = np.empty((stop - start, size), dtype=np.float32)
            for entry in range(start, stop):
                root = np.sqrt(weights[entry])
                for factor in range(size):
                    value = fixed[indices[entry], factor]
                    vectors[entry - start, factor] = value * root
                    target[factor] += value * weights[entry]
            matrix += np.dot(vectors.T, vectors)
        out[row] = np.linalg.solve(matrix, target)
