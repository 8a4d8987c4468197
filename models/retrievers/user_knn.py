"""User kNN: items chosen by users with similar histories."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles, interactions_matrix, row_squares
from models.retrieval.item_similarity import propagate, read_sparse, sparse_rows, strongest, write_sparse
from models.retrieval.topk import CELLS, retrieve_by, top_k_of_row
from models.single_query.query_plans import QueryPlan, UserNeighbors


class UserKnnParams(Recency):
    """Parameters of user kNN."""

    similarity: Literal["cosine", "pearson"] = "cosine"
    """Similarity of the query's history to each user's: `cosine`, or `pearson` over all items of the catalogue."""
    asymmetry: float = Field(default=0.5, ge=0, le=1)
    """Weight of the query's norm in the product of norms: 0.5 is the cosine, more favors long histories."""
    neighbors: int = Field(default=100, ge=1)
    """Number of nearest users; fewer are more similar, more are more stable."""
    shrinkage: float = Field(default=5.0, ge=0)
    """Added to the product of norms: shrinks similarities that rest on few items towards 0."""
    max_items_per_user: int = Field(default=1000, ge=1)
    """Maximum items kept per user (the most trusted, then the first positions)."""


class UserKnn:
    """score = Σ of similarity over the neighbors that chose the item (Herlocker 1999, doi:10.1145/312624.312682),
    optionally by the asymmetric cosine (Aiolli 2013, doi:10.1145/2507157.2507189).

    Fold-in: a query is compared by its current history, so its user need not be in the training data.
    """

    Params: ClassVar[type[BaseModel]] = UserKnnParams
    reason: ClassVar[Reason] = "people_alike"

    def __init__(self, params: UserKnnParams | None = None) -> None:
        self.params = params or UserKnnParams()
        self.users_: sparse.csr_matrix | None = None
        self._items: sparse.csr_matrix | None = None
        self._means: Float32 | None = None
        self._lengths: Float32 | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)

        def rows(start: int, stop: int) -> Float32:
            dense: Float32 = matrix[start:stop].toarray()
            return dense

        self._learn(strongest(rows, matrix.shape[0], catalogue.n_items, self.params.max_items_per_user))
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        if self.users_ is None:
            raise NotFittedError("user_knn: asked before it was fitted; call fit or load")
        n_users, n_items = self.users_.shape
        parts = []
        size = max(1, CELLS // max(n_users, n_items, 1))
        for start in range(0, len(queries), size):
            part = queries.part(start, min(start + size, len(queries)))
            parts.append(retrieve_by(self._scores, part, n_items, k))
        if not parts:
            return retrieve_by(self._scores, queries, n_items, k)
        return Hits(np.concatenate([hits.items for hits in parts]), np.concatenate([hits.scores for hits in parts]))

    def query_plan(self) -> QueryPlan:
        if self.users_ is None or self._items is None or self._means is None or self._lengths is None:
            raise NotFittedError("user_knn: asked before it was fitted; call fit or load")
        return UserNeighbors(
            users=sparse_rows(self.users_),
            items=sparse_rows(self._items),
            means=self._means,
            lengths=self._lengths,
            profile=self.params.profile_plan(),
            pearson=self.params.similarity == "pearson",
            asymmetry=self.params.asymmetry,
            neighbors=self.params.neighbors,
            shrinkage=self.params.shrinkage,
        )

    def save(self, folder: Path) -> None:
        if self.users_ is None:
            raise NotFittedError("user_knn: nothing to save before it was fitted")
        write_sparse(self.users_, folder / "users.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        knn = cls(read_params(folder / PARAMS, "retrievers.user_knn", UserKnnParams))
        knn._learn(read_sparse(folder / "users.safetensors"))
        return knn

    def _learn(self, users: sparse.csr_matrix) -> None:
        self.users_ = users
        self._items = users.T.tocsr()
        n_items = max(users.shape[1], 1)
        sums = np.asarray(users.sum(axis=1), dtype=np.float64).ravel()
        squares = row_squares(users)
        pearson = self.params.similarity == "pearson"
        self._means = (sums / n_items if pearson else np.zeros_like(sums)).astype(np.float32)
        spare = sums**2 / n_items if pearson else 0.0
        self._lengths = np.sqrt(np.maximum(squares - spare, 0.0)).astype(np.float32)

    def _scores(self, queries: Queries) -> Float32:
        """(n_queries, n_items), -inf where no neighbor chose the item."""
        assert self.users_ is not None and self._items is not None
        profile = history_profiles(queries, self.users_.shape[1], self.params)
        return propagate(self._neighbors(profile), self.users_)

    def _neighbors(self, profile: sparse.csr_matrix) -> sparse.csr_matrix:
        """(n_queries, n_users): similarities of the nearest users, other entries empty."""
        assert self._items is not None and self._means is not None and self._lengths is not None
        common = profile @ self._items
        data, indices, lengths = [], [], [0]
        for query in range(profile.shape[0]):
            weights = profile.data[profile.indptr[query] : profile.indptr[query + 1]].astype(np.float64)
            users = common.indices[common.indptr[query] : common.indptr[query + 1]]
            order = np.argsort(users, kind="stable")
            users = users[order]
            products = common.data[common.indptr[query] : common.indptr[query + 1]][order].astype(np.float64)
            square = float((weights**2).sum())
            if self.params.similarity == "pearson":
                products = products - weights.sum() * self._means[users]
                square -= float(weights.sum()) ** 2 / max(profile.shape[1], 1)
            theirs = self._lengths[users].astype(np.float64) ** (2.0 - 2.0 * self.params.asymmetry)
            length = max(square, 0.0) ** self.params.asymmetry * theirs + self.params.shrinkage
            alike = np.divide(products, length, out=np.zeros_like(products), where=length > 0)
            alike = np.where(alike > 0, alike, -np.inf).astype(np.float32)
            chosen = np.sort(top_k_of_row(alike, self.params.neighbors))
            data.append(alike[chosen])
            indices.append(users[chosen].astype(np.int32))
            lengths.append(len(chosen))
        near = sparse.csr_matrix((profile.shape[0], self._items.shape[1]), dtype=np.float32)
        near.data = np.concatenate(data) if data else np.zeros(0, dtype=np.float32)
        near.indices = np.concatenate(indices) if indices else np.zeros(0, dtype=np.int32)
        near.indptr = np.cumsum(lengths).astype(np.int64)
        return near
