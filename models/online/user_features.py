"""What the features of a request need of its user."""

from __future__ import annotations

from dataclasses import dataclass

from features.arrays import Float64, Int32


@dataclass(frozen=True, kw_only=True)
class UserRows:
    """A user's state rows (features/states/aggregates.py), NaN where nothing is known.

    stats: (len(STATE),); codes: (n_touched,) category codes of `ItemInfo` that the user's history touches, ascending;
    pairs: (n_touched, len(STATE)) the user's states with these categories.
    """

    stats: Float64
    codes: Int32
    pairs: Float64
