"""Kernel that weighs sums of pairs and keeps the strongest of each row; it holds no lock of Python's."""

from __future__ import annotations

import numpy as np
from numba import njit

from features.arrays import Float32, Float64, Int32, Int64

NOTHING = 1e-12  # of a sum: what is left of it where all that was added has been taken away again


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def strongest_of_rows(
    indptr: Int64,
    indices: Int32,
    data: Float64,
    more_indptr: Int64,
    more_indices: Int32,
    more_data: Float64,
    left: Float64,
    right: Float64,
    shrinkage: float,
    means: Float64,
    n: float,
    keep: int,
    starts: Int64,
    out_indices: Int32,
    out_data: Float32,
) -> Int64:
    """Fills `out_*` from `starts[row]` on; (n_rows,) how many entries each row has there."""
    n_rows = len(indptr) - 1
    lengths = np.zeros(n_rows, dtype=np.int64)
    columns, values = np.empty(len(right), dtype=np.int32), np.empty(len(right), dtype=np.float32)
    for row in range(n_rows):
        first, last = indptr[row], indptr[row + 1]
        second, end = more_indptr[row], more_indptr[row + 1]
        count = 0
        while first < last or second < end:
            total = 0.0
            if second >= end or (first < last and indices[first] < more_indices[second]):
                column, total, first = indices[first], data[first], first + 1
            elif first >= last or more_indices[second] < indices[first]:
                column, total, second = more_indices[second], more_data[second], second + 1
            else:
                column, total = indices[first], data[first] + more_data[second]
                if abs(total) <= NOTHING * abs(data[first]):
                    total = 0.0
                first, second = first + 1, second + 1
            if total == 0.0:
                continue
            weight = left[row] * right[column] + shrinkage
            if len(means):
                total -= n * means[row] * means[column]
            if weight > 0 and total > 0:
                value = np.float32(total / weight)
                if value > 0:
                    columns[count], values[count] = column, value
                    count += 1
        start = starts[row]
        if count <= keep:
            out_indices[start : start + count] = columns[:count]
            out_data[start : start + count] = values[:count]
            lengths[row] = count
            continue
        threshold = np.partition(values[:count], count - keep)[count - keep]
        level = keep
        for place in range(count):
            level -= values[place] > threshold
        kept = 0
        for place in range(count):
            value = values[place]
            if value > threshold or (value == threshold and level > 0):
                level -= value == threshold
                out_indices[start + kept], out_data[start + kept] = columns[place], value
                kept += 1
        lengths[row] = kept
    return lengths
