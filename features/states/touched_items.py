"""The distinct items of a history: when each was last chosen, and whether it was last refused."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Int32, Int64

_NEVER = np.iinfo(np.int64).min
_ROW = np.dtype([("chosen_at", "i8"), ("answered_at", "i8"), ("chosen", "?"), ("refuses", "?")])


class TouchedItems:
    """Items that a user has touched; to add events costs no more than the number of distinct items.

    items: (n,) positions in the vocabulary, ascending, each once.
    """

    def __init__(self) -> None:
        self.items: Int32 = np.zeros(0, dtype=np.int32)
        self._rows = np.zeros(0, dtype=_ROW)

    @property
    def n_bytes(self) -> int:
        """What it takes of memory."""
        return self.items.nbytes + self._rows.nbytes

    def add(self, items: Int32, timestamps: Int64, positive: Bool, refused: Bool) -> None:
        """More events (n,), oldest first, also ones that are older than some that were added before.

        Of events of one instant the one that was added last counts.
        """
        distinct, inverse = np.unique(items, return_inverse=True)
        rows, at = self._with_rows(distinct)
        of_event = at[inverse]
        chosen = of_event[positive]
        rows["chosen"][chosen] = True
        np.maximum.at(rows["chosen_at"], chosen, timestamps[positive])
        answers = np.flatnonzero(positive | refused)
        last = np.full(len(distinct), -1, dtype=np.int64)
        last[inverse[answers]] = answers  # of several the last stays
        answered = np.flatnonzero(last >= 0)
        answered = answered[timestamps[last[answered]] >= rows["answered_at"][at[answered]]]
        rows["answered_at"][at[answered]] = timestamps[last[answered]]
        rows["refuses"][at[answered]] = refused[last[answered]]
        self._rows = rows

    def _with_rows(self, distinct: Int32) -> tuple[np.ndarray, Int64]:
        """A copy of the rows that has one for each of these items too, and where these stand."""
        if not len(self.items):  # a history that is read from a store comes at once
            self.items = distinct.astype(np.int32)
            return _nothing(len(distinct)), np.arange(len(distinct))
        at = np.searchsorted(self.items, distinct)
        new = np.ones(len(distinct), dtype=np.bool_)
        within = at < len(self.items)
        new[within] = self.items[at[within]] != distinct[within]
        if not new.any():
            return self._rows.copy(), at
        rows = np.insert(self._rows, at[new], _nothing(int(new.sum())))
        self.items = np.insert(self.items, at[new], distinct[new])
        return rows, np.searchsorted(self.items, distinct)

    def chosen(self) -> tuple[Int32, Int64]:
        """The items that were chosen, ascending, and when each was chosen last [µs]."""
        rows = self._rows["chosen"]
        return self.items[rows], self._rows["chosen_at"][rows]

    def refused(self) -> Int32:
        """The items that were refused last, and not chosen since, ascending."""
        refuses: Bool = self._rows["refuses"]
        return self.items[refuses]


def _nothing(n_rows: int) -> np.ndarray:
    rows = np.zeros(n_rows, dtype=_ROW)
    rows["chosen_at"] = rows["answered_at"] = _NEVER
    return rows
