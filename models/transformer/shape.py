"""Shape: dimensions and names of the network's arrays, shared by training and inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Int64

GAPS = 31
EPSILON = 1e-6


@dataclass(frozen=True)
class Shape:
    """size: of every vector; layers, heads: of attention, size is a multiple of heads; length: events per history."""

    size: int
    layers: int
    heads: int
    length: int


def gap_buckets(gaps: Int64) -> Int64:
    """The bucket, of GAPS, of a time between two events [µs]: 0 below a second, then one per doubling."""
    seconds = np.maximum(gaps, 0) // 1_000_000
    buckets: Int64 = np.minimum(np.ceil(np.log2(seconds + 1.0)), GAPS - 1).astype(np.int64)
    return buckets
