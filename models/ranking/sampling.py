"""Sampling of examples, for rankers whose time or size grows with them."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Float32, Int32


def rows_of_some_queries(groups: Int32, max_rows: int, seed: int) -> Bool:
    """(n_rows,) all, or those of random whole queries that stay within `max_rows`: the share of hits stays as it is."""
    kept = np.ones(len(groups), dtype=np.bool_)
    if int(groups.sum()) > max_rows:
        order = np.random.default_rng(seed).permutation(len(groups))
        kept[order[np.cumsum(groups[order], dtype=np.int64) > max_rows]] = False
    return np.repeat(kept, groups)


def rows_of_all_hits(labels: Float32, rows: Bool, max_rows: int, seed: int) -> Bool:
    """(n_rows,) of `rows` all that were chosen, and of the others a random share, so that about max_rows remain."""
    chosen = labels > 0
    others = int((rows & ~chosen).sum())
    room = max(max_rows - int((rows & chosen).sum()), 0)
    if others <= room:
        return rows
    drawn: Bool = np.random.default_rng(seed).random(len(labels)) < room / others
    return rows & (drawn | chosen)
