"""Batched least squares (numba): solves each row's vector from the fixed vectors of its columns."""

from __future__ import annotations

from typing import Any

import numba  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

CHUNK = 4096  # entries of a row per matrix product


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
    out: (n_rows, size). Rows are distributed over threads and each is solved by one thread, so the
    result does not depend on their number. The caller must limit BLAS to one thread.
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
