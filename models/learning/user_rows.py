"""Rows of each user: those of a release's data, mapped, and those that came since, in memory."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Int32, Int64
from models.data.ragged import offsets_of
from models.data.types import Log

Keys = npt.NDArray[np.uint64]


def key_of(user_id: str) -> int:
    """The first 64 bits of the SHA-256 of an id: rows name nobody, and the list of erased users finds them."""
    return key_of_digest(hashlib.sha256(user_id.encode("utf-8", "surrogateescape")).hexdigest())


def key_of_digest(digest: str) -> int:
    """The key of an id of which only the SHA-256 is known, in hexadecimal digits."""
    return int(digest[:16], 16)


@dataclass(frozen=True, kw_only=True)
class BaseRows:
    """Rows by user, in time order. keys: (n_users,) ascending, see `key_of`; offsets: (n_users + 1,); items,
    times [µs], weights: (n_rows,); at: the log's instant [µs], from which weights decay."""

    keys: Keys
    offsets: Int64
    items: Int32
    times: Int64
    weights: Float32
    at: int

    @classmethod
    def of(cls, log: Log) -> BaseRows:
        """Of a log, all of it."""
        keys = np.array([key_of(str(user_id)) for user_id in log.user_ids], dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        users = place[log.users]
        rows = np.argsort(users, kind="stable")
        return cls(
            keys=keys[order],
            offsets=offsets_of(users[rows], len(keys)),
            items=log.items[rows],
            times=log.times[rows],
            weights=log.weights[rows],
            at=log.at,
        )

    def place(self, key: int) -> int:
        """The user's place in `keys`, -1 when unknown."""
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        return place if place < len(self.keys) and int(self.keys[place]) == key else -1

    def without(self, key: int) -> BaseRows:
        """All but the rows of one user."""
        place = self.place(key)
        if place < 0:
            return self
        start, stop = int(self.offsets[place]), int(self.offsets[place + 1])
        rest = np.r_[0:start, stop : len(self.items)]
        offsets = np.delete(self.offsets, place + 1)
        offsets[place + 1 :] -= stop - start
        return BaseRows(
            keys=np.delete(self.keys, place),
            offsets=offsets,
            items=self.items[rest],
            times=self.times[rest],
            weights=self.weights[rest],
            at=self.at,
        )

    def log(self) -> Log:
        """All rows, by user."""
        return _log(np.repeat(np.arange(len(self.keys)), np.diff(self.offsets)), len(self.keys), self, self.at)


@dataclass
class _More:
    """Rows of one user in the order in which they came; n_learned: those that the sums hold."""

    items: array[int] = field(default_factory=lambda: array("i"))
    times: array[int] = field(default_factory=lambda: array("q"))
    n_learned: int = 0


class UserRows:
    """The rows of all users: `add` takes in new ones, which have weight 1."""

    def __init__(self, base: BaseRows) -> None:
        self.base = base
        self._more: dict[int, _More] = {}

    def add(self, key: int, item: int, time: int) -> None:
        """One new row of a user."""
        more = self._more.get(key)
        if more is None:
            more = self._more[key] = _More()
        more.items.append(item)
        more.times.append(time)

    def knows(self, key: int) -> bool:
        """Whether there is a row of the user."""
        return key in self._more or self.base.place(key) >= 0

    def learned(self) -> list[int]:
        """Users of whose new rows the sums hold some."""
        return [key for key, more in self._more.items() if more.n_learned]

    def note_learned(self, keys: Sequence[int]) -> None:
        """The sums hold all rows of these users now."""
        for key in keys:
            more = self._more[key]
            more.n_learned = len(more.items)

    def counts(self, keys: Sequence[int]) -> tuple[Int64, Int64, Int64]:
        """(n,) rows of each user in the release's data, of those that the sums hold, and of all."""
        places = [self.base.place(key) for key in keys]
        base = np.array(
            [int(self.base.offsets[place + 1] - self.base.offsets[place]) if place >= 0 else 0 for place in places],
            dtype=np.int64,
        )
        more = [self._more[key] for key in keys]
        learned = np.array([one.n_learned for one in more], dtype=np.int64)
        return base, base + learned, base + np.array([len(one.items) for one in more], dtype=np.int64)

    def log(self, keys: Sequence[int], n_rows: Int64) -> Log:
        """The first rows of some users, numbered as given, as a log as of the release's data. n_rows: (n,) how many of
        each; a user may have none.

        Each user's rows are in time order; of one instant those of the release's data come first, then the new ones by
        item: the order in which events arrive changes nothing.
        """
        base, users, parts = self.base, [], []
        for user, (key, n) in enumerate(zip(keys, n_rows.tolist(), strict=True)):
            place = base.place(key)
            first, last = (int(base.offsets[place]), int(base.offsets[place + 1])) if place >= 0 else (0, 0)
            known, n_new = slice(first, last), n - (last - first)
            more = self._more[key]
            items = np.concatenate([base.items[known], np.frombuffer(more.items, dtype=np.int32)[:n_new]])
            times = np.concatenate([base.times[known], np.frombuffer(more.times, dtype=np.int64)[:n_new]])
            ties = np.concatenate([np.zeros(last - first, dtype=np.int32), 1 + items[last - first :]])
            weights = np.concatenate([base.weights[known], np.ones(n_new, dtype=np.float32)])
            order = np.lexsort((ties, times))
            parts.append((items[order], times[order], weights[order]))
            users.append(np.full(n, user, dtype=np.int32))
        nothing = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32))
        items, times, weights = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
        rows = BaseRows(keys=base.keys, offsets=base.offsets, items=items, times=times, weights=weights, at=base.at)
        return _log(np.concatenate([np.zeros(0, np.int32), *users]), len(keys), rows, base.at)


def _log(users: npt.NDArray[np.integer], n_users: int, rows: BaseRows, at: int) -> Log:
    return Log(
        user_ids=np.full(n_users, "", dtype=np.object_),
        users=users.astype(np.int32),
        items=rows.items,
        times=rows.times,
        values=np.full(len(rows.items), np.nan, dtype=np.float32),
        weights=rows.weights,
        at=at,
    )
