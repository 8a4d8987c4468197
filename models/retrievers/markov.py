"""Markov: items that followed the query's latest items in the sequences of all users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse

from features.arrays import MICROSECONDS_A_DAY, Float32, Float64, Int32, Int64
from models.data.ragged import offsets_of
from models.data.types import Catalogue, Log, Queries
from models.retrieval.item_similarity import ItemToItem, strongest
from models.single_query.query_plans import Newest

PAIRS_AT_ONCE = 8_000_000  # that are in memory beside their sums, 16 bytes each


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

    def statistics(self, log: Log, catalogue: Catalogue) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """See models/additive/learns_additively.py: transitions, those of each item in total, and the popularity."""
        n_items, params = catalogue.n_items, self.params
        weights = log.weights.astype(np.float64)
        popularity = np.bincount(log.items, weights, minlength=n_items)
        rows = np.flatnonzero(weights > 0)
        rows = rows[np.argsort(log.users[rows], kind="stable")]
        users, items, weights = log.users[rows], log.items[rows], weights[rows]
        if params.half_life_days is not None:
            weights = weights * np.exp2((log.times[rows] - log.at) / MICROSECONDS_A_DAY / params.half_life_days)
        followers = sparse.csr_matrix((n_items, n_items), dtype=np.float64)
        waiting: list[tuple[Int32, Int32, Float64]] = []  # pairs, added up many at a time
        last = min(params.window, len(rows) - 1)
        for gap in range(1, last + 1):
            first = np.flatnonzero((users[gap:] == users[:-gap]) & (items[gap:] != items[:-gap]))
            before, after = items[first], items[first + gap]
            values = weights[first] * weights[first + gap] * float(gap) ** -params.gap_power
            waiting.append((before, after, values))
            if params.backward > 0:
                waiting.append((after, before, params.backward * values))
            if gap == last or sum(len(one[2]) for one in waiting) > PAIRS_AT_ONCE:
                left, right, added = (np.concatenate(column) for column in zip(*waiting, strict=True))
                followers = followers + sparse.csr_matrix((added, (left, right)), shape=followers.shape)
                waiting.clear()
        return followers, {"popularity": popularity, "totals": np.asarray(followers.sum(axis=1)).ravel()}

    def change(
        self, before: Log, after: Log, catalogue: Catalogue
    ) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """Of what both begin with, only the last rows within the window of a new one count."""
        old, new = _from_the_first_change(before, after, self.params.window)
        (less, others), (more, sums) = self.statistics(old, catalogue), self.statistics(new, catalogue)
        assert less is not None and more is not None
        return more - less, {name: values - others[name] for name, values in sums.items()}

    def learned(
        self,
        sums: Mapping[str, Float64],
        weighted: Callable[..., sparse.csr_matrix],
        catalogue: Catalogue,
        later: int,
    ) -> Self:
        params, part = self.params, type(self)(self.params)
        faded = (
            1.0 if params.half_life_days is None else np.exp2(-2 * later / MICROSECONDS_A_DAY / params.half_life_days)
        )
        discount = np.maximum(sums["popularity"], 1.0) ** params.popularity_power
        part.weights_ = weighted(sums["totals"] + params.shrinkage / faded, discount, keep=params.keep)
        return part

    def lasting_days(self) -> float:
        return float("inf") if self.params.half_life_days is None else 250 * self.params.half_life_days

    def n_pairs(self, n_events: Int64) -> Int64:
        return 2 * self.params.window * n_events

    def _profile(self, queries: Queries, n_items: int) -> sparse.csr_matrix:
        return last_acts(queries, n_items, self.params)

    def _profile_plan(self) -> Newest:
        return Newest(self.params.last_events, self.params.recency_power)


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


def _from_the_first_change(before: Log, after: Log, window: int) -> tuple[Log, Log]:
    """Both logs without the rows that each user begins with in both, but for the last `window` of them with trust."""
    kept: tuple[list[Int64], list[Int64]] = ([], [])
    orders = [np.argsort(log.users, kind="stable") for log in (before, after)]
    bounds = [offsets_of(log.users[order], after.n_users) for log, order in zip((before, after), orders, strict=True)]
    for user in range(after.n_users):
        old, new = (order[ends[user] : ends[user + 1]] for order, ends in zip(orders, bounds, strict=True))
        n = min(len(old), len(new))
        first, second = old[:n], new[:n]
        same = (before.items[first] == after.items[second]) & (before.times[first] == after.times[second])
        n_same = n if same.all() else int(np.argmin(same))
        trusted = np.flatnonzero(before.weights[old[:n_same]] > 0)
        start = int(trusted[-window]) if len(trusted) >= window else 0
        kept[0].append(old[start:])
        kept[1].append(new[start:])
    return _rows(before, kept[0]), _rows(after, kept[1])


def _rows(log: Log, parts: list[Int64]) -> Log:
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    return replace(
        log,
        users=log.users[rows],
        items=log.items[rows],
        times=log.times[rows],
        values=log.values[rows],
        weights=log.weights[rows],
    )
