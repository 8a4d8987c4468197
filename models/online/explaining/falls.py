"""Falls: by how much the scores of one retriever's plan fall without items of a history, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from features.arrays import Float32, Int32, Int64
from models.explain import contributions
from models.interfaces import Explains
from models.online.explaining.profiles_without import ProfilesWithout
from models.online.kernel_cache import kernel
from models.online.sequential.sequence_scorer import SequenceScorer
from models.single_query.one_query import OneQuery
from models.single_query.query_plans import DenseScores, Projection, Propagation

FallsOf = Callable[[ProfilesWithout, Sequence[Int32], Int32], Float32]
"""(n_left_out, n_items) as `models.explain.contributions`: the query with its profiles, distinct items each to be left
out, items."""


def propagation_falls(plan: Propagation) -> FallsOf:
    """One product: the profiles without the items × the weights between the history and the items asked for."""
    weights = plan.weights

    def falls(profiles: ProfilesWithout, left_out: Sequence[Int32], items: Int32) -> Float32:
        query = profiles.query
        between = np.zeros((len(query.distinct), len(items)), dtype=np.float32)
        _entries(weights.indptr, weights.indices, weights.data, query.distinct, items, between)
        scores = profiles.of(plan.profile, left_out) @ between
        scores[scores == 0] = -np.inf  # not reached
        return _falls(scores)

    return falls


def projection_falls(plan: Projection) -> FallsOf:
    """The vectors of the user without the items, by the plan's `folds`."""

    def falls(profiles: ProfilesWithout, left_out: Sequence[Int32], items: Int32) -> Float32:
        query, weights = profiles.query, profiles.of(plan.profile, left_out)
        used = (weights[0] > 0) & plan.learned[query.distinct]
        scores = np.full((len(weights), len(items)), -np.inf, dtype=np.float32)
        if used.any():
            vectors = plan.vectors[query.distinct[used]].astype(np.float64)
            users = plan.folds(vectors, weights[:, used].astype(np.float64))
            scores = users.astype(np.float32) @ plan.vectors[items].T
            scores[np.isnan(scores)] = -np.inf
            scores[:, ~plan.learned[items]] = -np.inf
        return _falls(scores)

    return falls


def sequence_falls(scorer: SequenceScorer) -> FallsOf:
    """The states without the items, from what the scorer keeps of the user; NaN where that were too much work."""
    weights = scorer.weights

    def falls(profiles: ProfilesWithout, left_out: Sequence[Int32], items: Int32) -> Float32:
        query = profiles.query
        affordable = scorer.affordable(query, left_out)
        chosen = [leave for leave, does in zip(left_out, affordable, strict=True) if does]
        states = scorer.states_without(query, [np.zeros(0, dtype=np.int32), *chosen])
        scores = states @ weights.items[items].T + weights.offset[items]
        scores[np.isnan(scores)] = -np.inf
        known = np.full((len(left_out), len(items)), np.nan, dtype=np.float32)
        known[affordable] = _falls(scores)
        return known

    return falls


def dense_falls(plan: DenseScores) -> FallsOf:
    """The plan's own scores: of all profiles at once where it has them, else once for every history that is left."""

    def falls(profiles: ProfilesWithout, left_out: Sequence[Int32], items: Int32) -> Float32:
        query, scores = profiles.query, np.full((1 + len(left_out), len(items)), -np.inf, dtype=np.float32)
        columns, there = items, np.ones(len(items), dtype=np.bool_)
        if plan.items is not None:
            columns = np.minimum(np.searchsorted(plan.items, items), len(plan.items) - 1).astype(np.int32)
            there = plan.items[columns] == items
        if plan.profile is not None and plan.versions is not None:
            weights = profiles.of(plan.profile, left_out)
            scores[:, there] = plan.versions(query.distinct, weights)[:, columns[there]]
            return np.nan_to_num(_falls(scores), nan=0.0, posinf=np.inf)  # 0 where it is offered in neither case
        for row, without in enumerate([np.zeros(0, dtype=np.int32), *left_out]):
            values = plan.score(shortened(query, without))
            if values is not None:
                scores[row, there] = values[columns[there]]
        return _falls(scores)

    return falls


def batch_falls(part: Explains) -> FallsOf:
    """By the batch form of a retriever without a plan, or with one that only it understands."""
    return lambda profiles, left_out, items: contributions(part, profiles.query.batch(), left_out, items)


def shortened(query: OneQuery, left_out: Int32) -> OneQuery:
    """The query without some items of its history, every event of them."""
    kept = ~np.isin(query.items, left_out)
    return OneQuery.of_events(
        query.user_id, query.at, query.items[kept], query.times[kept], query.blocked, query.weights[kept]
    )


def _falls(scores: Float32) -> Float32:
    """From the scores of the whole history, in the first row, and those without; inf where one is not offered then."""
    with np.errstate(invalid="ignore"):
        falls: Float32 = scores[0] - scores[1:]
    return falls


@kernel("void(int64[::1], int32[::1], float32[::1], int32[::1], int32[::1], float32[:, ::1])")
def _entries(indptr: Int64, indices: Int32, data: Float32, rows: Int32, columns: Int32, out: Float32) -> None:
    """Fills `out` (n_rows, n_columns), which is 0, with entries of sparse rows whose columns ascend."""
    for row in range(len(rows)):
        start, stop = indptr[rows[row]], indptr[rows[row] + 1]
        for column in range(len(columns)):
            low, high = start, stop
            while low < high:
                middle = (low + high) // 2
                if indices[middle] < columns[column]:
                    low = middle + 1
                else:
                    high = middle
            if low < stop and indices[low] == columns[column]:
                out[row, column] = data[low]
