"""Made clicks of any size: a table with the shape of a shop's log, for tests of memory and time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

DAYS = 120
TASTES = 40
DAY_US = 86_400_000_000


def write_clicks(folder: Path, *, n_users: int, n_rows: int, n_items: int, seed: int = 1) -> Path:
    """interactions.parquet and items.parquet of a shop.

    Histories have a geometric length of at least 4; items have a Zipf popularity, and half of a user's clicks fall on
    the items of one taste; a user is active in a window of about a month, and about a third of a history is one visit.
    """
    rng = np.random.default_rng(seed)
    lengths = _lengths(rng, n_users, n_rows)
    users = np.repeat(np.arange(n_users), lengths)
    popularity = 1.0 / np.arange(1, n_items + 1) ** 0.9
    items = rng.choice(n_items, n_rows, p=popularity / popularity.sum())
    tastes = rng.integers(0, TASTES, n_users)[users]
    focused = rng.random(n_rows) < 0.5
    items[focused] = np.minimum(items[focused] // TASTES * TASTES + tastes[focused], n_items - 1)
    starts = rng.uniform(0, DAYS - 30, n_users)[users]
    times = starts + np.minimum(rng.exponential(12.0, n_rows), 30.0)
    same_visit = np.append(False, (users[1:] == users[:-1]) & (rng.random(n_rows - 1) < 0.35))
    visits = np.maximum.accumulate(np.where(same_visit, 0, np.arange(n_rows)))
    times = times[visits] + (np.arange(n_rows) - visits) * 90 / 86_400
    begin = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
    clicks = pl.DataFrame(
        {
            "user_id": pl.Series(users).cast(pl.String),
            "item_id": pl.Series(items).cast(pl.String),
            "event": pl.Series(["view"], dtype=pl.String).new_from_index(0, n_rows),
            "timestamp": pl.Series((begin + times * DAY_US).astype(np.int64)).cast(pl.Datetime("us", "UTC")),
        }
    )
    names = pl.Series(np.arange(n_items)).cast(pl.String)
    catalogue = pl.DataFrame(
        {
            "item_id": names,
            "title": "Item " + names,
            "category": pl.Series(np.arange(n_items) % TASTES).cast(pl.String),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    clicks.sort("timestamp").write_parquet(folder / "interactions.parquet")
    catalogue.write_parquet(folder / "items.parquet")
    return folder


def _lengths(rng: np.random.Generator, n_users: int, n_rows: int) -> np.ndarray:
    """(n_users,) geometric with the right sum, at least 4 each."""
    lengths = 4 + rng.geometric(1 / (n_rows / n_users - 3), n_users) - 1
    surplus = int(lengths.sum()) - n_rows
    while surplus:
        chosen = rng.permutation(np.flatnonzero(lengths > 4) if surplus > 0 else n_users)[: abs(surplus)]
        lengths[chosen] -= np.sign(surplus)
        surplus = int(lengths.sum()) - n_rows
    return lengths
