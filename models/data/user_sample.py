"""A seeded sample of the users of a part, where all of them would take too much memory and time."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.positives import DEFAULT_POSITIVES, Positives


def rows_of_some_users(
    part: pl.DataFrame, n_users: int, seed: int, positives: Positives = DEFAULT_POSITIVES
) -> tuple[pl.DataFrame, int]:
    """The rows of at most n_users users with a positive row, and how many such users there are.

    part: rows of INTERACTIONS; all of them, where the users are not too many. A larger sample contains every
    smaller one of the same seed.
    """
    users = part.filter(positives.where()).get_column("user_id").unique().sort()
    if len(users) <= n_users:
        return part, len(users)
    chosen = users.gather(np.random.default_rng(seed).permutation(len(users))[:n_users])
    return part.filter(pl.col("user_id").is_in(chosen.implode())), len(users)
