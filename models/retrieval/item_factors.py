"""Item factors: one vector per item; a user's vector is computed from the history at query time."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar, cast

import numpy as np
from pydantic import BaseModel

from features.arrays import Float32, Float64, Int32
from models.compute.threads import one_thread
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Hits, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles
from models.retrieval.topk import retrieve_by, unlearned_mask
from models.single_query.query_plans import Projection, QueryPlan

P = TypeVar("P", bound=Recency)


class ItemFactors(Generic[P]):
    """Base class of retrievers that learn item vectors: score = user vector · item vector.

    Subclasses add Params, `fit` (which ends in `_learn`) and `_fold`. No user data is stored.
    vectors_: (n_items, size) float32; untrained items have zero rows and are never returned.
    """

    name: ClassVar[str]
    Params: ClassVar[type[BaseModel]]
    reason: ClassVar[Reason] = "history"

    def __init__(self, params: P | None = None) -> None:
        self.params = params or cast(P, self.Params())
        self.vectors_: Float32 | None = None
        self._silent: Float32 | None = None

    @abstractmethod
    def _fold(self, vectors: Float64, weights: Float64) -> Float64:
        """(size,) the user's vector from the vectors (n_history, size) and weights (n_history,) of a history."""

    def _folds(self, vectors: Float64, weights: Float64) -> Float64:
        """(n_rows, size) the same for several versions of a history, NaN for an empty one; weights: (n_rows, n_history)
        all in the first row, 0 for what is left out in the others."""
        users = np.full((len(weights), vectors.shape[1]), np.nan)
        for row in np.flatnonzero(weights.any(axis=1)):
            used = weights[row] > 0
            users[row] = self._fold(vectors[used], weights[row, used])
        return users

    def retrieve(self, queries: Queries, k: int) -> Hits:
        n_items = len(self._learned())
        return retrieve_by(self._scores, queries, n_items, k)

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        return self._scores(queries, items)

    def query_plan(self) -> QueryPlan:
        vectors = self._learned()
        assert self._silent is not None
        return Projection(
            vectors=vectors,
            learned=self._silent == 0,
            profile=self.params.profile_plan(),
            fold=self._fold,
            folds=self._folds,
        )

    def save(self, folder: Path) -> None:
        write_arrays({"items": self._learned(), **self._further()}, folder / "vectors.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        params = read_params(folder / PARAMS, f"retrievers.{cls.name}", cls.Params)
        retriever = cls(cast(P, params))
        retriever._learn(**read_arrays(folder / "vectors.safetensors"))
        return retriever

    def _further(self) -> dict[str, Float64]:
        """Further learned arrays; `_learn` receives them again by name."""
        return {}

    def _learn(self, items: Float32, **further: Float64) -> None:
        self.vectors_ = np.ascontiguousarray(items, dtype=np.float32)
        self._silent = unlearned_mask(self.vectors_)

    def _learned(self) -> Float32:
        if self.vectors_ is None:
            raise NotFittedError(f"{self.name}: asked before it was fitted; call fit or load")
        return self.vectors_

    def _scores(self, queries: Queries, items: Int32 | None = None) -> Float32:
        """(n_queries, n_items) scores of the given items or all; -inf for every item if the history has no vector.

        One matrix × vector product per query: unlike a matrix product, its result does not depend on the batch.
        """
        vectors = self._learned()
        assert self._silent is not None
        scored = vectors if items is None else vectors[items]
        silent = self._silent if items is None else self._silent[items]
        profile = history_profiles(queries, len(vectors), self.params)
        scores = np.full((len(queries), len(scored)), -np.inf, dtype=np.float32)
        with one_thread():
            for query in range(len(queries)):
                entries = slice(profile.indptr[query], profile.indptr[query + 1])
                past, weights = profile.indices[entries], profile.data[entries].astype(np.float64)
                learned = (weights > 0) & (self._silent[past] == 0)
                if learned.any():
                    user = self._fold(vectors[past[learned]].astype(np.float64), weights[learned])
                    np.add(scored @ user.astype(np.float32), silent, out=scores[query])
        return scores
