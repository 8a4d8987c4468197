"""The two heavy steps of Gibbs sampling, compiled: rows of a factor matrix, and effects of groups of ratings.

The caller passes the noise, so that the samples do not depend on the number of threads. Call
within `models.compute.threads.one_thread`: the rows are the parallel part, threads inside their products only cost.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange  # type: ignore[import-untyped]


@njit(parallel=True, cache=True)  # type: ignore[untyped-decorator]
def draw_rows(starts, others, targets, precisions, factors, means, precision, noise):  # type: ignore[no-untyped-def]
    """Rows of one side given the other: each from its conditional normal distribution, (n, d) float32.

    Entries `starts[row]:starts[row + 1]` belong to a row: `others` are rows of `factors` (m, d), `targets` what they
    should add up to, `precisions` (1 / variance) how much each says. Prior of a row: normal around `means[row]` with
    the common `precision` (d, d). noise: (n, d) standard normal.
    """
    n_rows, size = means.shape
    drawn = np.empty((n_rows, size), dtype=np.float32)
    for row in prange(n_rows):
        start, stop = starts[row], starts[row + 1]
        posterior = precision.copy()
        pull = precision @ means[row]
        if stop > start:
            seen = np.empty((stop - start, size), dtype=np.float32)
            weighted = np.empty((stop - start, size), dtype=np.float32)
            for entry in range(stop - start):
                weight = precisions[start + entry]
                for column in range(size):
                    value = factors[others[start + entry], column]
                    seen[entry, column] = value
                    weighted[entry, column] = weight * value
            posterior += (weighted.T @ seen).astype(np.float64)
            pull += (weighted.T @ targets[start:stop]).astype(np.float64)
        root = np.linalg.cholesky(posterior)
        for i in range(size):  # forward: root · x = pull, then the noise joins on the way back
            total = pull[i]
            for j in range(i):
                total -= root[i, j] * pull[j]
            pull[i] = total / root[i, i]
        for i in range(size):
            pull[i] += noise[row, i]
        for i in range(size - 1, -1, -1):
            total = pull[i]
            for j in range(i + 1, size):
                total -= root[j, i] * pull[j]
            pull[i] = total / root[i, i]
            drawn[row, i] = pull[i]
    return drawn


@njit(parallel=True, cache=True)  # type: ignore[untyped-decorator]
def products(users, items, user_factors, item_factors):  # type: ignore[no-untyped-def]
    """user_factors[users] · item_factors[items] of each pair, (n,) float32."""
    sums = np.empty(len(users), dtype=np.float32)
    for row in prange(len(users)):
        total = np.float32(0.0)
        for column in range(user_factors.shape[1]):
            total += user_factors[users[row], column] * item_factors[items[row], column]
        sums[row] = total
    return sums
