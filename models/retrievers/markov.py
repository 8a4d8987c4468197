"""Markov: items that followed the query's latest items in the sequences of all users."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse

from features.arrays import MICROSECONDS_A_DAY, Float32
from models.data.ragged import offsets_of
from models.data.types import Catalogue, Log, Queries
from models.retrieval.item_similarity import ItemToItem, strongest


class MarkovParams(BaseModel):
    """Parameters of the Markov chain."""

    model_config = ConfigDict(extra="forbid")

    window: int = Field(default=20, ge=1)
    """Events after an event that count as its followers. More help rare items and are less specific."""
    gap_power: float = Field(default=1.0, ge=0)
    """A follower n events later has weight n^-power: greater favors the next event, 0 weights the window equally."""
    backward: float = Field(default=0.2, ge=0, le=1)
    """Weight of preceding items relative to followers; 1 ignores the order."""
    half_life_days: float | None = Field(default=None, gt=0)
    """Half-life of a transition's weight, by age relative to the newest; null: no decay. Shorter follows trends."""
    shrinkage: float = Field(default=50.0, ge=0)
    """Added to an item's transition total before normalization; greater lowers the weight of rare items."""
    popularity_power: float = Field(default=0.25, ge=0)
    """Scores are divided by this power of popularity: 0 favors hits, greater favors items specific to the history."""
    keep: int = Field(default=500, ge=1)
    """Followers kept per item, the strongest; 8 bytes of memory each."""
    last_events: int = Field(default=20, ge=1)
    """Number of newest events of a history that are used."""
    recency_power: float = Field(default=1.0, ge=0)
    """The n-th newest event has weight n^-power: greater favors the last event, 0 weights all equally."""


class Markov(ItemToItem[MarkovParams]):
    """score = Σ over the last events of weight · P(follower | item) / popularity^power.

    A first-order Markov chain with skips: transitions to each of the next events (Shani et al. 2005, JMLR 6, section
    3.2), mixed over the last events of the history.
    """

    name = "markov"
    Params: ClassVar[type[BaseModel]] = MarkovParams

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        from models.retrieval.transitions import Sequences, transitions

        n_items, params = catalogue.n_items, self.params
        weights = log.weights.astype(np.float64)
        popularity = np.bincount(log.items, weights, minlength=n_items)
        if params.half_life_days is not None:
            weights *= np.exp2((log.times - log.at) / MICROSECONDS_A_DAY / params.half_life_days)
        sequences = Sequences.of(log, n_items, weights)
        discount = np.maximum(popularity, 1.0) ** -params.popularity_power
        discount = discount.astype(np.float32)

        def rows(start: int, stop: int) -> Float32:
            followers = transitions(sequences, start, stop, n_items, params.window, params.gap_power, params.backward)
            total = followers.sum(axis=1, dtype=np.float64)[:, None] + params.shrinkage
            followers *= (1.0 / np.where(total > 0, total, 1.0)).astype(np.float32)
            followers *= discount
            return followers

        self.weights_ = strongest(rows, n_items, n_items, params.keep)
        return self

    def _profile(self, queries: Queries, n_items: int) -> sparse.csr_matrix:
        return last_acts(queries, n_items, self.params)


def last_acts(queries: Queries, n_items: int, params: MarkovParams) -> sparse.csr_matrix:
    """(n_queries, n_items) float32: the weights of the last events of each history; columns ascending.

    The weights of a repeated item are added. Each row depends only on its own query, bit for bit.
    """
    items, owner = queries.history.items, queries.history.items.owners
    newer = items.offsets[owner + 1] - 1 - np.arange(len(owner))
    weights = (newer + 1.0) ** -params.recency_power * queries.history.weights
    chosen = np.flatnonzero((newer < params.last_events) & (weights > 0))
    chosen = chosen[np.lexsort((items.values[chosen], owner[chosen]))]
    owner, item, weights = owner[chosen], items.values[chosen], weights[chosen]
    starts = np.ones(len(chosen), dtype=np.bool_)
    starts[1:] = (owner[1:] != owner[:-1]) | (item[1:] != item[:-1])
    at = np.flatnonzero(starts)
    matrix = sparse.csr_matrix((len(queries), n_items), dtype=np.float32)
    matrix.data = (np.add.reduceat(weights, at) if len(at) else weights).astype(np.float32)
    matrix.indices = item[at].astype(np.int32)
    matrix.indptr = offsets_of(owner[at], len(queries))
    return matrix
