"""Popular: the most chosen items with decay by age, globally or by the category of a user's last choice."""

from __future__ import annotations

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
        assert self.scores_ is not None and self.segments_ is not None
        total = float(self.scores_.sum(dtype=np.float64))
        prior = (self.scores_ * (self.params.segment_prior / total if total > 0 else 0.0)).astype(np.float32)
        scores = np.tile(np.where(self.scores_ > 0, prior, -np.inf).astype(np.float32), (len(queries), 1))
        for query in range(len(queries)):
            categories = self.categories_[queries.history.items[query]]
            given = categories[categories >= 0]
            if len(given):
                segment = slice(self.segments_.indptr[given[-1]], self.segments_.indptr[given[-1] + 1])
                scores[query, self.segments_.indices[segment]] += self.segments_.data[segment]
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
