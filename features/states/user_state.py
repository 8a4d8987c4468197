"""The current state of a user, and the protocol of its stores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.arrays import Float64, Int64


@dataclass
class UserState:
    """The current state of one user. stats: (len(STATE),), NaN where nothing is known; by_category: likewise, of the
    requested categories that the user has interacted with; item_ids, timestamps [µs], positive, refused: every event
    but impressions, oldest first; last_seq: the last event of the log that is in it."""

    user_id: str
    stats: Float64
    item_ids: list[str] = field(default_factory=list)
    timestamps: Int64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    positive: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    refused: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    by_category: dict[str, Float64] = field(default_factory=dict)
    last_seq: int = 0

    def refused_ids(self) -> list[str]:
        """Items that the user refused last, and did not choose again since."""
        answers = {
            item_id: refused
            for item_id, positive, refused in zip(self.item_ids, self.positive, self.refused, strict=True)
            if positive or refused
        }
        return [item_id for item_id, refused in answers.items() if refused]


class UserStates(Protocol):
    """Protocol: the part of an online namespace that a lookup uses."""

    def users(self, user_ids: Sequence[str], categories: Collection[str] = ()) -> list[UserState]: ...

    def category_states(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Float64]: ...
