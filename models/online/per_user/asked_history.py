"""The history that a user had when something was kept of them: what is kept holds for as long as it is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from features.arrays import Float64, Int32, Int64
from models.single_query.one_query import OneQuery


@dataclass(frozen=True, kw_only=True)
class AskedHistory:
    """(n_events,) items, times and weights of a query."""

    items: Int32
    times: Int64
    weights: Float64

    @classmethod
    def of(cls, query: OneQuery) -> Self:
        return cls(items=query.items, times=query.times, weights=query.weights)

    def is_of(self, query: OneQuery) -> bool:
        """Whether a query has the same one."""
        return (
            np.array_equal(self.items, query.items)
            and np.array_equal(self.times, query.times)
            and np.array_equal(self.weights, query.weights)
        )

    @property
    def n_bytes(self) -> int:
        return self.items.nbytes + self.times.nbytes + self.weights.nbytes
