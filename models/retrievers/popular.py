"""Popular: the most chosen items with decay by age, globally or by the category of a user's last choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse

from features.arrays import MICROSECONDS_A_DAY, Float32, Float64, Int32, Int64
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.item_similarity import read_sparse, write_sparse
from models.retrieval.topk import no_hits, retrieve_by
from models.single_query.query_plans import DenseScores, Ordered, QueryPlan


class PopularParams(BaseModel):
    """Parameters of the popularity retriever."""

    model_config = ConfigDict(extra="forbid")

    half_life_days: float | None = Field(default=7.0, gt=0)
    """Half-life of a choice's weight in days: shorter follows trends, longer is more stable; null: no decay."""
    segment: Literal["category"] | None = None
    """`category`: popularity among choices that followed one of the category of the query's newest item; null: one
    global list. New users always get the global list."""
    segment_prior: float = Field(default=50.0, gt=0)
    """Pseudo-count of global choices added to each segment; greater moves small segments closer to the global list."""


class Popular:
    """score = Σ trust · 2^(-age / half life) over the users who chose the item, each with their greatest weight.

    In a segment the sum goes over the choices made in it, plus `segment_prior` times the item's share of all choices
    (Zhai & Lafferty 2004, doi:10.1145/984321.984322): an empty segment gives the global list.
    segments_: (n_categories, n_items) these sums, or None; categories_: (n_items,).
    """

    Params: ClassVar[type[BaseModel]] = PopularParams
    reason: ClassVar[Reason] = "popularity"

    def __init__(self, params: PopularParams | None = None) -> None:
        self.params = params or PopularParams()
        self.scores_: Float32 | None = None
        self.segments_: sparse.csr_matrix | None = None
        self.categories_: Int32 = np.zeros(0, dtype=np.int32)
        self._order: npt.NDArray[np.int32] | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        weights = log.weights.astype(np.float64)
        if self.params.half_life_days is not None:
            age = np.maximum(log.at - log.times, 0) / MICROSECONDS_A_DAY
            weights *= np.exp2(-age / self.params.half_life_days)
        keys = log.users.astype(np.int64) * catalogue.n_items + log.items
        rows = _weightiest(keys, weights)
        scores = np.bincount(log.items[rows], weights[rows], minlength=catalogue.n_items)
        self._learn(scores.astype(np.float32))
        self.segments_ = None
        if self.params.segment is not None:
            self.categories_ = catalogue.categories
            previous = _last_category(log, catalogue.categories)
            in_segment = np.flatnonzero(previous >= 0)
            keys = previous * (log.n_users * catalogue.n_items) + keys
            rows = in_segment[_weightiest(keys[in_segment], weights[in_segment])]
            shape = (max(len(catalogue.category_names), 1), catalogue.n_items)
            cells, cell = np.unique(previous[rows] * catalogue.n_items + log.items[rows], return_inverse=True)
            values = np.bincount(cell, weights[rows], minlength=len(cells)).astype(np.float32)
            where = (cells // catalogue.n_items, cells % catalogue.n_items)
            self.segments_ = sparse.csr_matrix((values, where), shape=shape)
        return self

    def statistics(self, log: Log, catalogue: Catalogue) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """See models/additive/learns_additively.py: the scores, and as pairs those of each segment."""
        weights, n_items = log.weights.astype(np.float64), catalogue.n_items
        if self.params.half_life_days is not None:
            weights *= np.exp2((log.times - log.at) / MICROSECONDS_A_DAY / self.params.half_life_days)
        keys = log.users.astype(np.int64) * n_items + log.items
        rows = _weightiest(keys, weights)
        chosen: Float64 = np.bincount(log.items[rows], weights[rows], minlength=n_items).astype(np.float64)
        if self.params.segment is None:
            return None, {"scores": chosen}
        previous = _last_category(log, catalogue.categories)
        in_segment = np.flatnonzero(previous >= 0)
        keys = previous * (log.n_users * n_items) + keys
        rows = in_segment[_weightiest(keys[in_segment], weights[in_segment])]
        shape = (max(len(catalogue.category_names), 1), n_items)
        segments = sparse.csr_matrix((weights[rows], (previous[rows], log.items[rows])), shape=shape)
        return segments, {"scores": chosen}

    def learned(
        self,
        sums: Mapping[str, Float64],
        weighted: Callable[..., sparse.csr_matrix],
        catalogue: Catalogue,
        later: int,
    ) -> Self:
        half_life, part = self.params.half_life_days, type(self)(self.params)
        faded = 1.0 if half_life is None else np.exp2(-later / MICROSECONDS_A_DAY / half_life)
        part._learn((sums["scores"] * faded).astype(np.float32))
        if self.params.segment is not None:
            n_segments = max(len(catalogue.category_names), 1)
            part.segments_ = weighted(np.full(n_segments, 1 / faded), np.ones(catalogue.n_items))
            part.categories_ = catalogue.categories
        return part

    def lasting_days(self) -> float:
        return float("inf") if self.params.half_life_days is None else 500 * self.params.half_life_days

    def n_pairs(self, n_events: Int64) -> Int64:
        return n_events

    @property
    def period_days(self) -> float | None:
        """The period in days that the popularity covers; None: all of the past."""
        return self.params.half_life_days

    def retrieve(self, queries: Queries, k: int) -> Hits:
        if self.scores_ is None or self._order is None:
            raise NotFittedError("popular: asked before it was fitted; call fit or load")
        if self.segments_ is not None:
            return retrieve_by(self._by_segment, queries, len(self.scores_), k)
        hits = no_hits(len(queries), k)
        order = self._order if queries.unavailable is None else self._order[~queries.unavailable[self._order]]
        for query in range(len(queries)):
            excluded = queries.excluded[query]
            offered = order[: k + len(excluded)]
            if len(excluded):
                nearest = np.minimum(np.searchsorted(excluded, offered), len(excluded) - 1)
                offered = offered[excluded[nearest] != offered]
            offered = offered[:k]
            hits.items[query, : len(offered)] = offered
            hits.scores[query, : len(offered)] = self.scores_[offered]
        return hits

    def query_plan(self) -> QueryPlan:
        if self.scores_ is None or self._order is None:
            raise NotFittedError("popular: asked before it was fitted; call fit or load")
        if self.segments_ is None:
            return Ordered(order=self._order, scores=self.scores_)
        prior = self._prior()
        return DenseScores(score=lambda query: self._of_segment(prior.copy(), query.items))

    def save(self, folder: Path) -> None:
        if self.scores_ is None:
            raise NotFittedError("popular: nothing to save before it was fitted")
        write_arrays({"scores": self.scores_}, folder / "scores.safetensors")
        if self.segments_ is not None:
            write_sparse(self.segments_, folder / "segments.safetensors")
            write_arrays({"categories": self.categories_}, folder / "categories.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        popular = cls(read_params(folder / PARAMS, "retrievers.popular", PopularParams))
        popular._learn(read_arrays(folder / "scores.safetensors")["scores"])
        if popular.params.segment is not None:
            popular.segments_ = read_sparse(folder / "segments.safetensors")
            popular.categories_ = read_arrays(folder / "categories.safetensors")["categories"]
        return popular

    def _by_segment(self, queries: Queries) -> Float32:
        """(n_queries, n_items), -inf where nobody chose the item."""
        scores = np.tile(self._prior(), (len(queries), 1))
        for query in range(len(queries)):
            self._of_segment(scores[query], queries.history.items[query])
        return scores

    def _prior(self) -> Float32:
        """(n_items,) score in an empty segment, -inf where nobody chose the item."""
        assert self.scores_ is not None
        total = float(self.scores_.sum(dtype=np.float64))
        prior = (self.scores_ * (self.params.segment_prior / total if total > 0 else 0.0)).astype(np.float32)
        chosen: Float32 = np.where(self.scores_ > 0, prior, -np.inf).astype(np.float32)
        return chosen

    def _of_segment(self, scores: Float32, items: Int32) -> Float32:
        """Adds to the prior (n_items,), in place, the segment of a history's newest category."""
        assert self.segments_ is not None
        categories = self.categories_[items]
        given = categories[categories >= 0]
        if len(given):
            segment = slice(self.segments_.indptr[given[-1]], self.segments_.indptr[given[-1] + 1])
            scores[self.segments_.indices[segment]] += self.segments_.data[segment]
        return scores

    def _learn(self, scores: Float32) -> None:
        self.scores_ = scores
        order = np.argsort(-scores, kind="stable")
        self._order = order[scores[order] > 0].astype(np.int32)


def _weightiest(keys: Int64, weights: Float64) -> Int64:
    """One row per key, the one with the greatest weight."""
    order = np.lexsort((weights, keys))
    greatest = np.ones(len(order), dtype=np.bool_)
    greatest[:-1] = keys[order][1:] != keys[order][:-1]
    rows: Int64 = order[greatest]
    return rows


def _last_category(log: Log, categories: Int32) -> Int64:
    """(n_rows,) category of the same user's previous choice that has a category; -1 without one."""
    order = np.argsort(log.users, kind="stable")  # the log is in time order
    users, category = log.users[order], categories[log.items[order]]
    places = np.arange(len(order))
    latest = np.maximum.accumulate(np.where((category >= 0) & (log.weights[order] > 0), places, -1))
    before = np.concatenate([[-1], latest[:-1]])[: len(order)].astype(np.int64)
    same = (before >= 0) & (users[before] == users)
    previous = np.full(len(order), -1, dtype=np.int64)
    previous[order] = np.where(same, category[before], -1)
    return previous
