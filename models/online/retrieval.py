"""Retrieval for one query: each retriever's plan, run by the kernels; a retriever without one by its batch form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from features.arrays import Bool, Float32, Float64, Int32
from models.interfaces import CompilesQuery, Retriever
from models.online.best_products import MakeSearch, Search, exact
from models.online.compact_rows import compact
from models.online.kernel_cache import kernel
from models.online.sequential.sequence_scorer import SequenceScorer
from models.online.sparse_kernels import nearest_users, top_of_rows
from models.online.topk_kernels import first_allowed, top_of_dense, top_of_some
from models.single_query.one_query import OneHits, OneQuery
from models.single_query.profiles import profile_of
from models.single_query.query_plans import (
    DenseScores,
    Ordered,
    OwnHits,
    Profile,
    Projection,
    Propagation,
    QueryPlan,
    Sequential,
    UserNeighbors,
)


@dataclass
class Scratch:
    """Arrays that the kernels need and leave as they were; one a thread, sizes grow as asked for."""

    sums: Float32 = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    reached: Bool = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    touched: Int32 = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    def of(self, n: int) -> tuple[Float32, Bool, Int32]:
        """Scratch for n columns."""
        if len(self.sums) < n:
            self.sums, self.reached = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.bool_)
            self.touched = np.zeros(n, dtype=np.int32)
        return self.sums, self.reached, self.touched


class Profiles:
    """The profiles of one query: retrievers with the same decay share one."""

    def __init__(self, query: OneQuery) -> None:
        self.query = query
        self._of: dict[Profile, tuple[Int32, Float32]] = {}

    def __getitem__(self, profile: Profile) -> tuple[Int32, Float32]:
        if profile not in self._of:
            self._of[profile] = profile_of(self.query, profile)
        return self._of[profile]


Answer = Callable[[Profiles, int, Scratch], OneHits]


@dataclass(frozen=True)
class AskedAnew:
    """An answer that may depend on the instant, or on anything else."""

    answer: Answer

    def __call__(self, profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        return self.answer(profiles, k, scratch)


def prepared(retriever: Retriever, name: str = "", make_search: MakeSearch = exact) -> Answer:
    """The retriever's single-query form: (profiles of the query, k, scratch) → its best k.

    make_search: how the products of a query's vector with those of all items are searched.
    """
    if not isinstance(retriever, CompilesQuery):
        return AskedAnew(_by_batch(retriever))
    plan: QueryPlan = retriever.query_plan()
    if isinstance(plan, Propagation):
        return _propagation(plan)
    if isinstance(plan, Projection):
        learned = np.ascontiguousarray(plan.learned)
        return _projection(plan, learned, make_search(name, plan.vectors, learned))
    if isinstance(plan, UserNeighbors):
        return _user_neighbors(plan)
    if isinstance(plan, Ordered):
        return _ordered(plan)
    if isinstance(plan, DenseScores):
        return _dense(plan) if plan.profile is not None else AskedAnew(_dense(plan))
    if isinstance(plan, Sequential):
        scorer = SequenceScorer(plan)
        return SequenceAnswer(scorer, make_search(name, scorer.weights.items, scorer.offered))
    own: OwnHits = plan
    return AskedAnew(lambda profiles, k, scratch: own.retrieve(profiles.query, k))


def is_kept(answer: Answer) -> bool:
    """Whether the list is a function of the history and of what is blocked, and holds until one of them changes; that
    of a transformer also until the time since the newest event is in another bucket."""
    return not isinstance(answer, AskedAnew)


def _by_batch(retriever: Retriever) -> Answer:
    def answer(profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        hits = retriever.retrieve(profiles.query.batch(), k)
        n = int((hits.items[0] >= 0).sum())
        return OneHits(hits.items[0, :n].astype(np.int32), hits.scores[0, :n].astype(np.float32))

    return answer


def _propagation(plan: Propagation) -> Answer:
    weights = compact(plan.weights, len(plan.weights.indptr) - 1)

    def answer(profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        items, scores = _room(k)
        rows, row_weights = profiles[plan.profile]
        blocked = profiles.query.blocked
        n = top_of_rows(*weights, rows, row_weights, blocked, *scratch.of(len(blocked)), items, scores)
        return OneHits(items[:n], scores[:n])

    return answer


def _projection(plan: Projection, learned: Bool, search: Search) -> Answer:
    vectors = np.ascontiguousarray(plan.vectors)
    most = int(learned.sum())

    def answer(profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        items, scores = _room(k)
        rows, weights = profiles[plan.profile]
        used = (weights > 0) & learned[rows]
        if not most or not used.any():
            return OneHits(items[:0], scores[:0])
        past = rows[used]
        wide = np.empty((len(past), vectors.shape[1]), dtype=np.float64)
        _widen(vectors, past, wide)
        user = plan.fold(wide, weights[used].astype(np.float64))
        if user is None:
            return OneHits(items[:0], scores[:0])
        n = search.top(user.astype(np.float32), profiles.query.blocked, items, scores)
        return OneHits(items[:n], scores[:n])

    return answer


def _user_neighbors(plan: UserNeighbors) -> Answer:
    powers = plan.lengths.astype(np.float64) ** (2.0 - 2.0 * plan.asymmetry)
    n_users, n_items = len(plan.lengths), max(len(plan.items.indptr) - 1, 1)
    chosen, choosers = compact(plan.users, n_items), compact(plan.items, n_users)

    def answer(profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        items, scores = _room(k)
        rows, weights = profiles[plan.profile]
        wide = weights.astype(np.float64)
        total, square = 0.0, float((wide**2).sum())
        if plan.pearson:
            total = float(wide.sum())
            square -= total**2 / n_items
        users, alike = _room(min(plan.neighbors, n_users))
        n = nearest_users(
            *choosers,
            rows,
            weights,
            plan.means,
            powers,
            total,
            square,
            plan.shrinkage,
            plan.asymmetry,
            *scratch.of(n_users),
            users,
            alike,
        )
        order = np.argsort(users[:n])
        blocked = profiles.query.blocked
        n = top_of_rows(*chosen, users[:n][order], alike[:n][order], blocked, *scratch.of(len(blocked)), items, scores)
        return OneHits(items[:n], scores[:n])

    return answer


def _ordered(plan: Ordered) -> Answer:
    def answer(profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        items, scores = _room(k)
        n = first_allowed(plan.order, plan.scores, profiles.query.blocked, items, scores)
        return OneHits(items[:n], scores[:n])

    return answer


def _dense(plan: DenseScores) -> Answer:
    def answer(profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        query = profiles.query
        items, scores = _room(k if plan.most is None else min(k, plan.most))
        values = plan.score(query)
        if values is None:
            n = 0
        elif plan.items is None:
            n = top_of_dense(values, np.ones(len(values), dtype=np.bool_), query.blocked, items, scores)
        else:
            n = top_of_some(values, plan.items, query.blocked, items, scores)
        return OneHits(items[:n], scores[:n])

    return answer


@dataclass(frozen=True)
class SequenceAnswer:
    """The answer of a transformer, whose scorer keeps what it computed of the users that asked last."""

    scorer: SequenceScorer
    search: Search

    def __call__(self, profiles: Profiles, k: int, scratch: Scratch) -> OneHits:
        query = profiles.query
        items, scores = _room(k)
        state = self.scorer.state(query)
        n = 0 if state is None else self.search.top(state, query.blocked, items, scores)
        return OneHits(items[:n], scores[:n])


@kernel("void(float32[:, ::1], int32[::1], float64[:, ::1])")
def _widen(vectors: Float32, rows: Int32, wide: Float64) -> None:
    """wide = vectors[rows], without the copy in single precision."""
    for place in range(len(rows)):
        for axis in range(wide.shape[1]):
            wide[place, axis] = vectors[rows[place], axis]


def _room(k: int) -> tuple[Int32, Float32]:
    return np.empty(k, dtype=np.int32), np.empty(k, dtype=np.float32)
