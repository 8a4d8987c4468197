"""Standardization of features with indicators of missing values, for linear and neural rankers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Float64


@dataclass(frozen=True)
class Standard:
    """means, scales: (n_features,) of the values that are known; a scale of 0 is taken as 1."""

    means: Float64
    scales: Float64

    @classmethod
    def of(cls, features: Float32) -> Standard:
        given = ~np.isnan(features)
        values = np.where(given, features, 0.0).astype(np.float64)
        counts = np.maximum(given.sum(axis=0), 1)
        means = values.sum(axis=0) / counts
        spread = np.where(given, values - means, 0.0)
        scales = np.sqrt((spread**2).sum(axis=0) / counts)
        return cls(means, np.where(scales > 0, scales, 1.0))

    def inputs(self, features: Float32) -> Float64:
        """(n_rows, 2 · n_features): standardized values, 0 (the mean) where missing; then 1 where missing, else 0."""
        missing = np.isnan(features)
        values = np.where(missing, 0.0, (features - self.means) / self.scales)
        return np.concatenate([values, missing.astype(np.float64)], axis=1)


def log_odds_of(labels: Float32) -> float:
    """Log-odds of a hit, with half a hit and half a miss added: finite for any examples."""
    hits = float(labels.sum())
    return float(np.log((hits + 0.5) / (len(labels) - hits + 0.5)))
