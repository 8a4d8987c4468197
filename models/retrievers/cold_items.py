"""Cold items: retrieves items with few or no choices, by a map from their texts to the choices of others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field

from features.arrays import Float32, Int32, Int64
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles, interactions_matrix
from models.retrieval.text_to_collaborative.closed_form import standardized_rows
from models.retrieval.text_to_collaborative.item_map import ItemMap, NewItems, some_histories
from models.retrieval.text_to_collaborative.landmarks import landmarks_of
from models.retrieval.text_to_collaborative.own_evidence import with_own_evidence
from models.retrieval.text_to_collaborative.pseudo_new_items import choose_settings
from models.retrieval.topk import no_hits, retrieve_by
from models.single_query.one_query import OneQuery
from models.single_query.profiles import profile_of
from models.single_query.query_plans import DenseScores, QueryPlan

logger = logging.getLogger(__name__)


class ColdItemsParams(Recency):
    """Parameters of the cold-item retriever. The map's own settings are chosen by the fit."""

    max_users: int = Field(default=5, ge=0)
    """Items chosen by more users are warm: they train this retriever but are not returned; 0: only unseen items.
    Where none is warm, all that were chosen train it."""
    offered: int = Field(default=20, ge=1)
    """Maximum number per query: most cold items stay cold, and each candidate costs ranking time."""
    most_exact: int = Field(default=8000, ge=10)
    """Up to so many warm items the map is exact, with memory by the square of their number and time by the cube; more
    are approximated by landmarks."""
    landmarks: int = Field(default=2000, ge=10)
    """Warm items that stand for all where there are more; memory grows with their number times that of all."""
    seed: int = 1
    """Seed of the choice of items that are held out to choose the map's settings."""


class ColdItems:
    """score = z(Σ over the history of weight · map) + prior

    z: standardized over the cold items. map: (n_taught, n_cold) what each chosen item says of each cold one, by the
    vectors of all encoders. prior: demand that the vectors let expect, less what the level guard takes off. Items that
    a few people chose have their choices beside their text. Kernels and weights are those that rank pseudo-new items
    best. All of it is in models/retrieval/text_to_collaborative. Users without a usable history get no items: popular
    items serve new users better. cold_: (n_cold,) ascending positions; row_of_: (n_items,) row of `weights_`, -1 for
    what is not taught; weights_: (n_taught, n_cold); prior_: (n_cold,).
    """

    Params: ClassVar[type[BaseModel]] = ColdItemsParams
    reason: ClassVar[Reason] = "history"  # choices propagated over similar texts count too

    def __init__(self, params: ColdItemsParams | None = None) -> None:
        self.params = params or ColdItemsParams()
        self.cold_: Int32 | None = None
        self._map: ItemMap | None = None
        self._folder: Path | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        matrix.data = np.ones_like(matrix.data)
        n_users = np.bincount(matrix.indices, minlength=catalogue.n_items)
        vectors = catalogue.encoded
        described = np.zeros(catalogue.n_items, dtype=np.bool_)
        for rows in vectors.values():
            described |= rows.any(axis=1)
        cold = np.flatnonzero(described & (n_users <= self.params.max_users))
        is_warm = n_users > self.params.max_users
        taught = np.flatnonzero(is_warm if is_warm.any() else n_users > 0)
        self._map, self._folder = None, None
        row_of = np.full(catalogue.n_items, -1, dtype=np.int32)
        if not len(cold) or not len(taught):
            logger.warning(
                "cold_items n_cold=%d n_items_with_text=%d max_users=%d: no item with a text is that new, so this "
                "retriever offers nothing",
                len(cold),
                described.sum(),
                self.params.max_users,
            )
            nothing = np.zeros((0, 0), dtype=np.float32)
            self._learn(np.zeros(0, dtype=np.int32), row_of, nothing, nothing.ravel())
            return self
        row_of[taught] = np.arange(len(taught), dtype=np.int32)
        chosen = choose_settings(matrix, vectors, taught[described[taught]], self.params.seed)
        new = _new_items(vectors, catalogue.word_parts, cold, n_users)
        known = matrix[:, taught].tocsr()
        taught_vectors = {name: np.ascontiguousarray(rows[taught]) for name, rows in vectors.items()}
        landmarks = landmarks_of(n_users[taught], self.params.most_exact, self.params.landmarks)
        self._map = ItemMap.fit(known, taught_vectors, chosen.settings, new, landmarks)
        by_text, choices = self._map.columns(new), matrix[:, cold].tocsr()
        self._learn(
            cold.astype(np.int32),
            row_of,
            *with_own_evidence(self._map.taste, *by_text, known, choices, some_histories(known)),
        )
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        cold = self._learned()
        hits = no_hits(len(queries), k)
        if len(cold):
            offered = retrieve_by(self._scores, queries, len(self.row_of_), min(k, self.params.offered))
            hits.items[:, : offered.items.shape[1]] = offered.items
            hits.scores[:, : offered.items.shape[1]] = offered.scores
        return hits

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        self._learned()
        return self._scores(queries)[:, items]

    def add_items(
        self, vectors: Float32, further: Mapping[str, Float32] | None = None, word_parts: Float32 | None = None
    ) -> Self:
        """New items are cold: each gets its column of the map."""
        cold, n_items = self._learned(), len(self.row_of_)
        given, n_new = {"sentence": vectors, **(further or {})}, len(vectors)
        more = type(self)(self.params)
        more._map, more._folder = self._fitted_map(), None
        row_of = np.concatenate([self.row_of_, np.full(n_new, -1, dtype=np.int32)])
        if more._map is None:
            more._learn(cold, row_of, self.weights_, self.prior_)
            return more
        fitting = {
            name: given[name] if name in given and given[name].shape[1] == rows.shape[1]
            else np.zeros((n_new, rows.shape[1]), dtype=np.float32)
            for name, rows in more._map.vectors.items()
        }  # fmt: skip
        there = np.flatnonzero(np.any([rows.any(axis=1) for rows in fitting.values()], axis=0))
        new = _new_items(fitting, word_parts, there, np.zeros(n_new, dtype=np.int64))
        weights, prior = more._map.columns(new)
        more._learn(
            np.concatenate([cold, n_items + there]).astype(np.int32),
            row_of,
            np.concatenate([self.weights_, weights], axis=1),
            np.concatenate([self.prior_, prior]),
        )
        return more

    def query_plan(self) -> QueryPlan:
        cold, profile = self._learned(), self.params.profile_plan()

        def score(query: OneQuery) -> Float32 | None:
            items, weights = profile_of(query, profile)
            scores = versions(items, weights[None])[0]
            return scores if len(scores) and scores[0] > -np.inf else None

        def versions(items: Int32, weights: Float32) -> Float32:
            rows = self.row_of_[items]
            known = rows >= 0
            return self._of_sums(weights[:, known] @ self.weights_[rows[known]], (weights[:, known] != 0).any(axis=1))

        return DenseScores(score=score, items=cold, most=self.params.offered, profile=profile, versions=versions)

    def save(self, folder: Path) -> None:
        arrays = {"cold": self._learned(), "row_of": self.row_of_, "weights": self.weights_, "prior": self.prior_}
        write_arrays(arrays, folder / "cold_items.safetensors")
        write_params(self.params, folder / PARAMS)
        if (fitted := self._fitted_map()) is not None:
            fitted.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        retriever = cls(read_params(folder / PARAMS, "retrievers.cold_items", ColdItemsParams))
        retriever._learn(**read_arrays(folder / "cold_items.safetensors"))
        retriever._folder = folder
        return retriever

    def _learn(self, cold: Int32, row_of: Int32, weights: Float32, prior: Float32) -> None:
        self.cold_, self.row_of_, self.weights_, self.prior_ = cold, row_of, weights, prior

    def _learned(self) -> Int32:
        if self.cold_ is None:
            raise NotFittedError("cold_items: asked before it was fitted; call fit or load")
        return self.cold_

    def _fitted_map(self) -> ItemMap | None:
        """Read when an item is added for the first time: its factors are large."""
        if self._map is None and self._folder is not None and ItemMap.is_in(self._folder):
            self._map = ItemMap.load(self._folder)
        return self._map

    def _scores(self, queries: Queries) -> Float32:
        """(n_queries, n_items), -inf for warm items, and for all items if the history is not usable."""
        scores = np.full((len(queries), len(self.row_of_)), -np.inf, dtype=np.float32)
        taught = np.flatnonzero(self.row_of_ >= 0)
        profile = history_profiles(queries, len(self.row_of_), self.params)[:, taught].tocsr()
        if profile.nnz:
            profile.eliminate_zeros()
        sums = np.asarray(profile @ self.weights_, dtype=np.float32)
        scores[:, self.cold_] = self._of_sums(sums, np.diff(profile.indptr) > 0)
        return scores

    def _of_sums(self, sums: Float32, usable: np.ndarray) -> Float32:  # type: ignore[type-arg]
        """(n_rows, n_cold) from the weighted sums of the rows of a history; -inf where none of it is usable."""
        scores = standardized_rows(sums)
        scores += self.prior_
        scores[~usable] = -np.inf
        return scores


def _new_items(vectors: Mapping[str, Float32], parts: Float32 | None, chosen: Int64, n_users: Int64) -> NewItems:
    """The chosen ones of some items."""
    return NewItems(
        {name: rows[chosen] for name, rows in vectors.items()},
        None if parts is None or not len(parts) else parts[chosen],
        n_users[chosen],
    )
