"""Skew: how recorded features differ from those that the offline tables give as of the same instants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Float32

TOLERANCE = 1e-5  # relative, and absolute below 1: rounding of float32


@dataclass(frozen=True, kw_only=True)
class FeatureSkew:
    """One feature. n_rows: compared values; share: of them that differ, in [0, 1]; greatest: absolute difference where
    both are known, of a value that one of them lacks it is infinite."""

    name: str
    n_rows: int
    share: float
    greatest: float


def feature_skew(names: Sequence[str], recorded: Float32, offline: Float32) -> list[FeatureSkew]:
    """A line for each feature, the most differing first. recorded, offline: (n_rows, n_features)."""
    first, second = recorded.astype(np.float64), offline.astype(np.float64)
    unknown = np.isnan(first) != np.isnan(second)
    gaps = np.where(np.isnan(first) & np.isnan(second), 0.0, np.abs(first - second))
    gaps = np.where(unknown, np.inf, gaps)
    scale = np.maximum(np.abs(np.nan_to_num(second)), 1.0)
    differs = gaps > TOLERANCE * scale
    lines = [
        FeatureSkew(
            name=name,
            n_rows=len(first),
            share=float(differs[:, column].mean()) if len(first) else 0.0,
            greatest=float(gaps[:, column].max(initial=0.0)),
        )
        for column, name in enumerate(names)
    ]
    return sorted(lines, key=lambda line: (-line.share, -line.greatest, line.name))
