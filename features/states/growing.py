"""An array that grows at its end; a view that was taken before stays as it was."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)


class Growing(Generic[T]):
    """Appending costs the same however long the array is; whatever else changes it makes a new one."""

    __slots__ = ("_n", "_room")

    def __init__(self, values: npt.NDArray[T]) -> None:
        self._room, self._n = np.ascontiguousarray(values), len(values)

    def __len__(self) -> int:
        return self._n

    @property
    def values(self) -> npt.NDArray[T]:
        """(n,) a view; later changes do not show in it."""
        return self._room[: self._n]

    @property
    def n_bytes(self) -> int:
        """What it takes of memory, with the room that is still free."""
        return self._room.nbytes

    def append(self, more: npt.NDArray[T]) -> None:
        """Adds values at the end."""
        n = self._n + len(more)
        if n > len(self._room):
            room = np.empty(n + n // 4 + 4, dtype=self._room.dtype)
            room[: self._n] = self.values
            self._room = room
        self._room[self._n : n] = more
        self._n = n

    def insert(self, rows: npt.NDArray[np.intp], more: npt.NDArray[T]) -> None:
        """Adds values before some rows (ascending), in their order."""
        self._room = np.insert(self.values, rows, more)
        self._n = len(self._room)
