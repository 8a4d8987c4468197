"""Query plans: how a retriever answers one query, as typed arrays that `models/online` runs by compiled kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.arrays import Bool, Float32, Float64, Int32, Int64
from models.single_query.one_query import OneHits, OneQuery


@dataclass(frozen=True)
class Decayed:
    """Each distinct item of a history once, with its weight halved by newer items and by days (None: not at all)."""

    half_life_events: float | None = None
    half_life_days: float | None = None


@dataclass(frozen=True)
class Newest:
    """The newest events: the n-th newest has weight n^-power; those of a repeated item are added."""

    n_events: int
    power: float


Profile = Decayed | Newest


@dataclass(frozen=True, kw_only=True)
class SparseRows:
    """Compressed sparse rows: indptr (n_rows + 1,), indices, data (n_entries,)."""

    indptr: Int64
    indices: Int32
    data: Float32


@dataclass(frozen=True, kw_only=True)
class Propagation:
    """score = profile · weights, only of items that are reached; weights: (n_items, n_items)."""

    weights: SparseRows
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Projection:
    """score = vectors · user vector; nothing without a vector of the user.

    vectors: (n_items, size); fold: (n_history, size) float64 vectors and (n_history,) float64 weights of the learned
    items of a history → (size,) the user's vector, None without one; learned: (n_items,) whether one may be offered;
    folds: the same vectors and (n_rows, n_history) weights, all of them in the first row and 0 for what is left out in
    the others → (n_rows, size) vectors of the user, NaN without one.
    """

    vectors: Float32
    learned: Bool
    profile: Profile
    fold: Callable[[Float64, Float64], Float64 | None]
    folds: Callable[[Float64, Float64], Float64]


@dataclass(frozen=True, kw_only=True)
class UserNeighbors:
    """score = Σ of similarity over the most similar users that chose the item (models/retrievers/user_knn.py).

    users: (n_users, n_items) their choices; items: the same transposed; means, lengths: (n_users,).
    """

    users: SparseRows
    items: SparseRows
    means: Float32
    lengths: Float32
    profile: Profile
    pearson: bool
    asymmetry: float
    neighbors: int
    shrinkage: float


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """The same list for everyone, without what is blocked; order: (n,) positions, best first; scores: (n_items,)."""

    order: Int32
    scores: Float32


@dataclass(frozen=True, kw_only=True)
class DenseScores:
    """Any function from a query to scores; it must not use the network, a disk or a lock.

    score: the scores (n,) of `items` (None: of all items), -inf where none is to be offered; None: offers nothing.
    most: at most so many are offered. Where the scores are those of a profile: profile, and versions: (n_profile,) its
    items and (n_rows, n_profile) weights → (n_rows, n) scores.
    """

    score: Callable[[OneQuery], Float32 | None]
    items: Int32 | None = None
    most: int | None = None
    profile: Profile | None = None
    versions: Callable[[Int32, Float32], Float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Sequential:
    """score = state after the history, by a causal transformer, · the item's vector.

    arrays: of the network by name (models/transformer/network.py), `items` the (n_items, size) vectors; offset:
    (n_items,) is added: 0, or -inf where not to be offered. Layers, heads and the greatest length of a history are
    those of `distances`.
    """

    arrays: Mapping[str, Float32]
    offset: Float32


@dataclass(frozen=True, kw_only=True)
class OwnHits:
    """A retriever that answers by itself, within microseconds, as `Retriever.retrieve` would."""

    retrieve: Callable[[OneQuery, int], OneHits]


QueryPlan = Propagation | Projection | UserNeighbors | Ordered | DenseScores | Sequential | OwnHits
