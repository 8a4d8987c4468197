"""The rows that a warm start goes on with: bounded, of the users who acted last, with every item that was learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.arrays import Bool, Int64
from models.data.types import Log

REACH = 8  # rows of a history that lead to an item which no recent user chose


def recent_rows(log: Log, n_rows: int) -> Log:
    """The whole histories of the users who acted last, about `n_rows` rows; positions, users and the cut stay.

    An item outside of them would lose what was learned of it, so the row by which it was chosen last comes too, with
    up to 7 rows of that user before it: at most 9 rows more for each such item.
    """
    if len(log.items) <= n_rows:
        return log
    counts = np.bincount(log.users, minlength=log.n_users)
    last = np.full(log.n_users, -1, dtype=np.int64)
    last[log.users] = np.arange(len(log.users))  # rows are in time order: the last assignment stays
    by_last = np.argsort(-last, kind="stable")
    n_users = max(1, int(np.searchsorted(np.cumsum(counts[by_last]), n_rows, side="right")))
    recent = np.zeros(log.n_users, dtype=np.bool_)
    recent[by_last[:n_users]] = True
    kept = recent[log.users]
    kept[_leading_to(_last_rows_of_others(log, kept), log)] = True
    return replace(
        log,
        users=log.users[kept],
        items=log.items[kept],
        times=log.times[kept],
        values=log.values[kept],
        weights=log.weights[kept],
    )


def _last_rows_of_others(log: Log, kept: Bool) -> Int64:
    """The last trusted row of every item that has none among the kept ones, by users with two or more."""
    trusted = log.weights > 0
    trusted &= (np.bincount(log.users[trusted], minlength=log.n_users) > 1)[log.users]
    rows = np.flatnonzero(trusted)
    n_items = int(log.items.max()) + 1
    last = np.full(n_items, -1, dtype=np.int64)
    last[log.items[rows]] = rows
    last[log.items[trusted & kept]] = -1
    return last[last >= 0]


def _leading_to(rows: Int64, log: Log) -> Int64:
    """Those rows, up to REACH - 1 rows before each and the one after it, of the same user."""
    order = np.argsort(log.users, kind="stable")
    place_of_row = np.empty(len(order), dtype=np.int64)
    place_of_row[order] = np.arange(len(order))
    places = place_of_row[rows][:, None] + np.arange(1 - REACH, 2)[None, :]
    inside = (places >= 0) & (places < len(order))
    near = order[np.clip(places, 0, len(order) - 1)]
    same = inside & (log.users[near] == log.users[rows][:, None])
    rows_near: Int64 = near[same]
    return rows_near
