"""Progressive judging: each event is asked before it is learned, by the live parts and by those updated until then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.arrays import Float64, Int32, Int64
from models.additive.learns_additively import LearnsAdditively
from models.data.types import Queries, Targets
from models.evaluation.rolling import rolling_values
from models.interfaces import Retriever
from models.recommender import Recommender
from models.together import recommend_together

K = 10
METRIC = f"ndcg@{K}"
QUERIES_AT_ONCE = 1_000


@dataclass(frozen=True)
class Asked:
    """Of each event whose it is, and the sides' NDCG@10, (n_events,).

    learned: of the live parts with the additive ones as they are updated, as `learn.enabled` has them in the service;
    None where no part is additive.
    """

    user_ids: npt.NDArray[np.str_]
    updated: Float64
    live: Float64
    learned: Float64 | None = None


def blocks(times: Int64, n_blocks: int) -> Iterator[tuple[int, Int64]]:
    """The events in at most `n_blocks` parts of about equal size: until when [µs] is learned before each, and which.

    times: (n_events,) ascending, not empty. Events of one instant are in one part, and what is learned before a part
    ends 1 µs before its first event.
    """
    starts = np.searchsorted(times, times[np.arange(n_blocks) * len(times) // n_blocks], side="left")
    bounds = [*np.unique(starts), len(times)]
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        yield int(times[start]) - 1, np.arange(start, stop)


def ask(
    live: Recommender,
    learned: Callable[[int], Mapping[str, Retriever]],
    queries: Queries,
    targets: Targets,
    times: Int64,
    n_blocks: int,
) -> Asked:
    """The sides' NDCG@10 on a query for each event; they differ in their retrievers alone.

    learned: the updated retrievers as of an instant [µs]; times: (n_events,) ascending, of the events.
    """
    additive = {name for name, part in live.retrievers.items() if isinstance(part, LearnsAdditively)}
    updated, learning, lists = (np.full((len(times), K), -1, dtype=np.int32) for _ in range(3))
    for until, events in blocks(times, n_blocks):
        parts = learned(until)
        mixed = dict(live.retrievers) | {name: part for name, part in parts.items() if name in additive}
        sides = [(updated, parts), (lists, live.retrievers), *([(learning, mixed)] if additive else [])]
        for first in range(int(events[0]), int(events[-1]) + 1, QUERIES_AT_ONCE):
            asked = slice(first, min(first + QUERIES_AT_ONCE, int(events[-1]) + 1))
            recommenders = [replace(live, retrievers=retrievers) for _, retrievers in sides]
            slates = recommend_together(recommenders, queries.part(asked.start, asked.stop), K)
            for (side, _), slate in zip(sides, slates, strict=True):
                side[asked] = slate.items

    def ndcg(lists: Int32) -> Float64:
        return rolling_values(lists, targets, [K])[METRIC]

    return Asked(queries.user_ids, ndcg(updated), ndcg(lists), ndcg(learning) if additive else None)
