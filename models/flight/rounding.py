"""Rounding: which lists of a query the batch form gives when its retrievers' scores are off by a rounding error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from features.arrays import Float64
from models.data.ragged import Ragged
from models.data.types import Hits, Queries

if TYPE_CHECKING:
    from models.interfaces import Retriever
    from models.recommender import Recommender

TOLERANCE = 1e-5  # of a list's greatest score: so far the two forms of a retriever may disagree
SMALLEST = 1e-8  # of it: rounding of float32; most differences are nearer to this than to the tolerance
N_DRAWS = 400
MARGIN = 10  # items beyond a retriever's list that rounding may bring in


def lists_within_rounding(
    recommender: Recommender, query: Queries, k: int, *, n_draws: int = N_DRAWS, seed: int = 1
) -> set[tuple[int, ...]]:
    """Lists of at most k ≤ 100 items (positions, in the order shown) of one query, a batch of one.

    The service adds up scores by other code than the batch form; ranker and reranker are the same to the bit. So two
    right lists of a query differ only through retriever scores: two near-equal ones change ranks, or one lies next to
    a split of a tree and the ranker's score jumps. Which of them matter cannot be read from the scores of the list
    (after such a jump they are far apart), so it is tried: each draw moves every retriever's scores at random by at
    most `TOLERANCE` of its greatest one and asks the whole recommender. The unmoved list is always among the results.
    A right list that only a rare combination of errors gives may be missing; one that needs greater errors is missing.
    """
    exponents = np.random.default_rng(seed).uniform(np.log10(SMALLEST), np.log10(TOLERANCE), n_draws)
    amplitudes = np.append(0.0, 10.0**exponents)
    moved = {
        name: cast("Retriever", _Moved(part, amplitudes, seed + place))
        for place, (name, part) in enumerate(recommender.retrievers.items())
    }
    slate = replace(recommender, retrievers=moved).recommend(_repeated(query, len(amplitudes)), k)
    return {tuple(item for item in row if item >= 0) for row in slate.items.tolist()}


@dataclass(frozen=True)
class _Moved:
    """A retriever as far as `Recommender.recommend` asks it; amplitudes: one a query of the batch."""

    part: Retriever
    amplitudes: Float64
    seed: int

    def retrieve(self, queries: Queries, k: int) -> Hits:
        hits, n = self.part.retrieve(queries.part(0, 1), k + MARGIN), len(queries)
        offered = hits.items[0] >= 0
        items, scores = hits.items[0, offered], hits.scores[0, offered]
        errors = np.random.default_rng(self.seed).uniform(-1, 1, (n, len(items))) * self.amplitudes[:, None]
        moved = (scores + errors * np.abs(scores).max(initial=0.0)).astype(np.float32)
        order = np.lexsort((np.broadcast_to(items, moved.shape), -moved))[:, :k]
        answer = Hits(np.full((n, k), -1, dtype=np.int32), np.zeros((n, k), dtype=np.float32))
        answer.items[:, : order.shape[1]] = items[order]
        answer.scores[:, : order.shape[1]] = np.take_along_axis(moved, order, axis=1)
        return answer


def _repeated(query: Queries, n: int) -> Queries:
    """The same query n times."""
    events = np.arange(query.history.n_events, dtype=np.int64)
    return Queries(
        user_ids=np.repeat(query.user_ids, n),
        at=np.repeat(query.at, n),
        history=query.history.take(Ragged.of_rows([events] * n, np.int64)),
        excluded=Ragged.of_rows([query.excluded.values] * n, np.int32),
        unavailable=query.unavailable,
    )
