"""Window: the newest events of a history as the network reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.arrays import Float32, Int32, Int64
from models.online.kernel_cache import kernel
from models.online.sequential.network_weights import NetworkWeights
from models.online.sequential.prefix import Prefix
from models.transformer.shape import GAPS


@dataclass(frozen=True)
class Window:
    """items, gaps: (n_events,) at most `length` events, oldest first, and the buckets of the time until the next one;
    the last one's is the time until the query."""

    items: Int32
    gaps: Int64

    @classmethod
    def of(cls, items: Int32, times: Int64, at: int, length: int) -> Window:
        """Of a history, asked at an instant [µs]."""
        newest, gaps = items[-length:].astype(np.int32), np.empty(min(len(items), length), dtype=np.int64)
        _fill_gaps(times[-length:].astype(np.int64), at, gaps)
        return cls(newest, gaps)

    def n_common(self, prefix: Prefix) -> int:
        """How many of its events, never the last, the prefix begins with."""
        return int(_n_common(self.items, self.gaps, prefix.items, prefix.gaps, prefix.n_events))

    def inputs(self, weights: NetworkWeights, start: int) -> Float32:
        """(n, size) what the network reads of the events from one on."""
        vectors: Float32 = weights.items[self.items[start:]] * np.float32(weights.size**0.5)
        vectors += weights.gaps[self.gaps[start:]]
        return vectors


@kernel("void(int64[::1], int64, int64[::1])")
def _fill_gaps(times: Int64, at: int, gaps: Int64) -> None:
    """As shape.gap_buckets: ceil(log2(seconds + 1)) is the number of binary digits of the seconds."""
    n_events = len(times)
    for event in range(n_events):
        following = times[event + 1] if event + 1 < n_events else at
        seconds, bucket = max(following - times[event], 0) // 1_000_000, 0
        while seconds > 0 and bucket < GAPS - 1:
            seconds >>= 1
            bucket += 1
        gaps[event] = bucket


@kernel("int64(int32[::1], int64[::1], int32[::1], int64[::1], int64)")
def _n_common(items: Int32, gaps: Int64, kept_items: Int32, kept_gaps: Int64, n_kept: int) -> Any:
    most = min(len(items) - 1, n_kept)
    for event in range(most):
        if items[event] != kept_items[event] or gaps[event] != kept_gaps[event]:
            return event
    return most
