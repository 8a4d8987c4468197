"""Small catalogues, logs and questions that tests of single parts are made of."""

from __future__ import annotations

import numpy as np

from models.data.queries import one_query
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary

DAY = 86_400_000_000
NEVER = {"half_life_days": None, "half_life_events": None}


def make_catalogue(n_items: int, *, tags=None, vectors=None) -> Catalogue:
    return Catalogue(
        vocabulary=Vocabulary([f"i{place}" for place in range(n_items)]),
        titles=[None] * n_items,
        tags=tags or [[] for _ in range(n_items)],
        category_names=[],
        categories=np.full(n_items, -1, dtype=np.int32),
        prices=np.full(n_items, np.nan, dtype=np.float32),
        created_at=np.full(n_items, np.iinfo(np.int64).min),
        vectors=vectors,
    )


def make_log(rows: list[tuple[int, int, int]], trust: list[float] | None = None, at: int = 100 * DAY) -> Log:
    """From (user, item, day)."""
    users, items, days = (np.array(column) for column in zip(*rows, strict=True))
    return Log(
        user_ids=np.array([f"u{place}" for place in range(int(users.max()) + 1)]),
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        times=days.astype(np.int64) * DAY,
        values=np.full(len(rows), np.nan, dtype=np.float32),
        weights=np.array(trust or [1.0] * len(rows), dtype=np.float32),
        at=at,
    )


def random_log(n_users: int = 50, n_items: int = 12) -> tuple[Log, np.ndarray]:
    """A log and its users × items matrix of trust."""
    rng = np.random.default_rng(5)
    matrix = (rng.random((n_users, n_items)) < 0.3) * rng.choice([0.5, 1.0], (n_users, n_items))
    users, items = np.nonzero(matrix)
    return make_log([(u, i, 1) for u, i in zip(users, items, strict=True)], matrix[users, items].tolist()), matrix


def ask(retriever, catalogue, history, k=3, days=None):
    times = [DAY * day for day in (days or range(len(history)))]
    query = one_query("x", 100 * DAY, [f"i{place}" for place in history], times, catalogue.vocabulary)
    hits = retriever.retrieve(query, k)
    return hits.items[0].tolist(), hits.scores[0]
