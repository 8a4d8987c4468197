"""Temporal groups of ratings: a user's day, a run of a user's ratings, an item's season."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from features.arrays import MICROSECONDS_A_DAY, Int32, Int64
from models.data.types import Ratings

Kind = Literal["user_day", "user_run", "item_season"]


class Moments:
    """One way of grouping, learned from training rows: (user, item, time) → group, -1 where no training row fell.

    user_day: a user's ratings of one day (UTC); user_run: `size` ratings of a user that follow each other in training;
    item_season: an item's ratings between two of `size` - 1 instants that part all training rows evenly.
    """

    def __init__(self, kind: Kind, size: int, ratings: Ratings) -> None:
        self.kind = kind
        self.size = size
        times = np.sort(ratings.times)
        if kind == "item_season":
            self.edges_ = np.unique(times[(np.arange(1, size) * len(times)) // size])
        else:
            self.edges_ = np.unique(times)
            self.order_ = np.sort(self._keys(ratings.users, np.searchsorted(self.edges_, ratings.times)))
            self.first_ = np.searchsorted(self.order_, self._keys(np.arange(ratings.n_users), np.array(0)))
        labels = self._labels(ratings.users, ratings.items, ratings.times)
        self.labels_, inverse = np.unique(labels, return_inverse=True)
        self.groups_ = inverse.astype(np.int64)

    @property
    def n_groups(self) -> int:
        return len(self.labels_)

    def groups(self, users: Int32, items: Int32, times: Int64) -> Int64:
        """(n,) group of each pair, -1 for one without a training row."""
        labels = self._labels(users, items, times)
        places = np.minimum(np.searchsorted(self.labels_, labels), len(self.labels_) - 1)
        groups: Int64 = np.where(self.labels_[places] == labels, places, -1)
        return groups

    def _labels(self, users: Int32, items: Int32, times: Int64) -> Int64:
        if self.kind == "user_day":
            return users.astype(np.int64) * 1_000_000 + times // MICROSECONDS_A_DAY
        if self.kind == "item_season":
            return items.astype(np.int64) * 1_000_000 + np.searchsorted(self.edges_, times, side="right")
        rank = np.searchsorted(self.order_, self._keys(users, np.searchsorted(self.edges_, times)))
        return users.astype(np.int64) * 1_000_000_000 + (rank - self.first_[users]) // self.size

    def _keys(self, users: npt.NDArray[np.integer], ranks: npt.NDArray[np.integer]) -> Int64:
        keys: Int64 = users.astype(np.int64) * (len(self.edges_) + 1) + ranks
        return keys
