"""History profiles: a query's history as a sparse row of item weights, optionally with decay by recency."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse

from features.arrays import MICROSECONDS_A_DAY, Int64
from models.data.ragged import offsets_of
from models.data.types import Log, Queries
from models.single_query.query_plans import Decayed


class Recency(BaseModel):
    """Decay of the weight of older events in a history. If both are set, the factors multiply."""

    model_config = ConfigDict(extra="forbid")

    half_life_events: float | None = Field(default=None, gt=0)
    """Half-life of an entry's weight, in number of newer entries; null: no decay by order."""
    half_life_days: float | None = Field(default=None, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""

    def profile_plan(self) -> Decayed:
        """How one query's profile is computed."""
        return Decayed(self.half_life_events, self.half_life_days)


def history_profiles(queries: Queries, n_items: int, recency: Recency) -> sparse.csr_matrix:
    """(n_queries, n_items) float32: each distinct item of a history once, at its latest event; columns ascending.

    The order of events with equal timestamps does not matter. Each row depends only on its own query, bit for bit.
    """
    history, owners = queries.history, queries.history.items.owners
    order = np.lexsort((history.times, history.items.values, owners))
    owner, item, time = owners[order], history.items.values[order], history.times[order]
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (owner[1:] != owner[:-1]) | (item[1:] != item[:-1])
    owner, item, time, weight = owner[last], item[last], time[last], history.weights[order][last].astype(np.float64)
    offsets = offsets_of(owner, len(queries))
    if recency.half_life_events is not None:
        weight *= np.exp2(-_newer(owner, item, time, offsets) / recency.half_life_events)
    if recency.half_life_days is not None:
        newest = np.maximum.reduceat(time, offsets[:-1][np.diff(offsets) > 0]) if len(time) else time
        age = (np.repeat(newest, np.diff(offsets)[np.diff(offsets) > 0]) - time) / MICROSECONDS_A_DAY
        weight *= np.exp2(-age / recency.half_life_days)
    matrix = sparse.csr_matrix((len(queries), n_items), dtype=np.float32)
    matrix.data, matrix.indices, matrix.indptr = weight.astype(np.float32), item.astype(np.int32), offsets
    return matrix


def interactions_matrix(log: Log, n_items: int) -> sparse.csr_matrix:
    """(n_users, n_items) float32: the maximum trust over the rows of each (user, item)."""
    trusted = log.weights > 0
    keys = log.users[trusted].astype(np.int64) * n_items + log.items[trusted]
    order = np.lexsort((log.weights[trusted], keys))
    keys, weights = keys[order], log.weights[trusted][order]
    last = np.ones(len(keys), dtype=np.bool_)
    last[:-1] = keys[1:] != keys[:-1]
    keys, weights = keys[last], weights[last]
    shape = (log.n_users, n_items)
    return sparse.csr_matrix((weights.astype(np.float32), (keys // n_items, keys % n_items)), shape=shape)


def row_squares(rows: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    """(n_rows,) squared length of each row."""
    squares: npt.NDArray[np.float64] = np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64).ravel()
    return squares


def _newer(owner: Int64, item: npt.NDArray[np.int32], time: Int64, offsets: Int64) -> npt.NDArray[np.float64]:
    """For each entry, the number of newer entries of the same query (at equal times the higher position is newer)."""
    order = np.lexsort((item, time, owner))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return (offsets[owner + 1] - 1 - rank).astype(np.float64)
