"""Compiled kernels for rankers on standardized features: a weighted sum, and one hidden layer.

Additions are in the order of the rankers' own, column by column, in the same precision: the same scores to the bit.
"""

from __future__ import annotations

import numpy as np
from numba import types  # type: ignore[import-untyped, unused-ignore]

from features.arrays import Float32, Float64
from models.online.kernel_cache import kernel
from models.online.scoring.signatures import DOUBLES, FLOATS, FLOATS_2D


@kernel(types.float64[::1](FLOATS_2D, DOUBLES, DOUBLES, DOUBLES, types.float64))
def weighted_sums(features: Float32, means: Float64, scales: Float64, weights: Float64, intercept: float) -> Float64:
    """(n_rows,) as models.rankers.linear."""
    n_rows, n_features = features.shape
    sums = np.full(n_rows, intercept)
    for column in range(n_features):
        mean, scale, weight = means[column], scales[column], weights[column]
        for row in range(n_rows):
            value = features[row, column]
            sums[row] += weight * (0.0 if value != value else (value - mean) / scale)
    for column in range(n_features):
        weight = weights[n_features + column]
        for row in range(n_rows):
            value = features[row, column]
            sums[row] += weight * (1.0 if value != value else 0.0)
    return sums


@kernel(
    types.float64[:, ::1](FLOATS_2D, DOUBLES, DOUBLES, types.float64, FLOATS_2D, FLOATS, FLOATS_2D, FLOATS),
)
def log_odds(
    features: Float32,
    means: Float64,
    scales: Float64,
    farthest: float,
    first: Float32,
    first_bias: Float32,
    second: Float32,
    second_bias: Float32,
) -> Float64:
    """(n_rows, n_outcomes) as models.rankers.mlp; a row at a time, its hidden units side by side."""
    n_rows, n_features = features.shape
    n_hidden, n_outcomes = second.shape
    odds = np.empty((n_rows, n_outcomes), dtype=np.float64)
    hidden = np.empty(n_hidden, dtype=np.float32)
    for row in range(n_rows):
        hidden[:] = first_bias
        for column in range(n_features):
            value = features[row, column]
            scaled = 0.0 if value != value else (value - means[column]) / scales[column]
            inputs = np.float32(min(max(scaled, -farthest), farthest))
            for unit in range(n_hidden):
                hidden[unit] += first[column, unit] * inputs
        for column in range(n_features):
            value = features[row, column]
            missing = np.float32(min(1.0, farthest)) if value != value else np.float32(0.0)
            for unit in range(n_hidden):
                hidden[unit] += first[n_features + column, unit] * missing
        for outcome in range(n_outcomes):
            odds[row, outcome] = second_bias[outcome]
        for unit in range(n_hidden):
            active = max(hidden[unit], np.float32(0.0))
            for outcome in range(n_outcomes):
                odds[row, outcome] += active * second[unit, outcome]
    return odds
