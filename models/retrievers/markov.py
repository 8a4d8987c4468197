"""Markov: what followed the items that the user chose last, in the sequences of all users."""

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
    """What markov depends on."""

    model_config = ConfigDict(extra="forbid")

    window: int = Field(default=20, ge=1)
    """Acts after an act that count as its followers; more learns rare items better, and blurs what comes next."""
    gap_power: float = Field(default=1.0, ge=0)
    """A follower n acts later counts n^-power: greater looks at the very next act, 0 at all of the window alike."""
    backward: float = Field(default=0.2, ge=0, le=1)
    """What preceded an item counts as so much of a follower; 1 forgets which came first."""
    half_life_days: float | None = Field(default=None, gt=0)
    """A transition counts half when it is so much older than the newest; null: none ages. Short ones follow fashion."""
    shrinkage: float = Field(default=50.0, ge=0)
    """Added to the sum of an item's transitions before it divides them: rarely seen items of a history say less."""
    popularity_power: float = Field(default=0.25, ge=0)
    """Scores are divided by popularity to this power: 0 favours hits, greater what is particular to the history."""
    keep: int = Field(default=500, ge=1)
    """Followers kept of each item, the strongest; memory is 8 bytes each."""
    last_events: int = Field(default=20, ge=1)
    """Acts of a history that are looked at, the newest."""
    recency_power: float = Field(default=1.0, ge=0)
    """The n-th newest act of a history counts n^-power: greater follows the last click, 0 counts all alike."""


class Markov(ItemToItem[MarkovParams]):
    """score = Σ over the last acts of weight · P(follower | item) / popularity^power.

    A Markov chain of first order with skips: transitions to each of the next acts (Shani et al. 2005, JMLR 6, section
    3.2), mixed over the last acts of the history.
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
    """(n_queries, n_items) float32: the weights of the last acts of each history, columns ascending.

    A repeated item has the sum of its acts. Each row depends on its own query alone, bit for bit.
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
