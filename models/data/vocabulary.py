"""Vocabulary: the item ids of one bundle, in order; inside models an item is its position in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl


def distinct_ids(ids: pl.Series) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct ids in ascending order, and the position of each row's id among them.

    Text of numpy takes the length of the longest id in every row; this does not.
    """
    positions = ids.rank("dense").cast(pl.Int64) - 1
    return ids.unique().sort().to_list(), positions.to_numpy()


class Vocabulary:
    """Item ids ↔ positions `0..n_items-1` (int32). Unknown ids have position -1."""

    def __init__(self, item_ids: Sequence[str]) -> None:
        self.item_ids: list[str] = list(item_ids)
        self._position = {item_id: position for position, item_id in enumerate(self.item_ids)}
        if len(self._position) != len(self.item_ids):
            raise ValueError("an item id stands twice in the vocabulary")

    def __len__(self) -> int:
        return len(self.item_ids)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._position

    def position(self, item_id: str) -> int:
        """The item's position, -1 when unknown."""
        return self._position.get(item_id, -1)

    def positions(self, item_ids: Iterable[str]) -> npt.NDArray[np.int32]:
        """Positions of many ids, -1 where unknown."""
        get = self._position.get
        return np.fromiter((get(item_id, -1) for item_id in item_ids), dtype=np.int32)
