"""Random histories of one user each: none, one event, very long ones, repeated items and events of one instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from models.data.ragged import Ragged
from models.data.types import History, Queries
from models.single_query.one_query import OneQuery

DAY = 86_400_000_000
NOW = 100 * DAY


def random_queries(n_queries: int, n_items: int, seed: int = 3, *, blocked_share: float = 0.1) -> Iterator[OneQuery]:
    """The first three have no event, one event and 10,000 events; the lengths of the others vary from 0 to 400."""
    rng = np.random.default_rng(seed)
    popular = rng.permutation(n_items)
    for number in range(n_queries):
        length = (0, 1, 10_000)[number] if number < 3 else int(min(rng.geometric(0.02), 400)) - 1
        places = np.minimum(rng.geometric(4 / n_items, length) - 1, n_items - 1)
        times = (
            np.sort(rng.integers(0, 100, length)) * DAY if number % 3 == 0 else np.sort(rng.integers(0, NOW, length))
        )
        blocked = rng.random(n_items) < blocked_share
        items = popular[places].astype(np.int32)
        blocked[items[: length // 2]] = True
        yield OneQuery.of_events(f"user {number}", NOW, items, times.astype(np.int64), blocked)


def as_batch(queries: Sequence[OneQuery]) -> Queries:
    """All of them together."""
    return Queries(
        user_ids=np.array([query.user_id for query in queries], dtype=np.str_),
        at=np.array([query.at for query in queries], dtype=np.int64),
        history=History(
            items=Ragged.of_rows([query.items for query in queries], np.int32),
            times=np.concatenate([query.times for query in queries]),
            weights=np.concatenate([query.weights for query in queries]).astype(np.float32),
        ),
        excluded=Ragged.of_rows([np.flatnonzero(query.blocked).astype(np.int32) for query in queries], np.int32),
    )
