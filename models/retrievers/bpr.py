"""BPR: item vectors trained to rank chosen items above others for each user (with `implicit`)."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32, Float64
from models.compute.threads import one_thread
from models.data.types import Catalogue, Log
from models.retrieval.history_profile import Recency, interactions_matrix
from models.retrieval.item_factors import ItemFactors


class BprParams(Recency):
    """Parameters of BPR."""

    embedding_size: int = Field(default=64, ge=1)
    """Dimensions of a vector. More separate finer tastes; memory and time grow linearly."""
    epochs: int = Field(default=100, ge=1)
    """Passes over the log, on one thread: with more, races would make the fit irreproducible."""
    learning_rate: float = Field(default=0.05, gt=0)
    """Step size; greater converges sooner and less exactly."""
    regularization: float = Field(default=0.01, ge=0)
    """L2 regularization; greater shrinks the vectors of rare items more."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""
    seed: int = 1
    """Seed of the initial vectors and of the sampled pairs."""


class Bpr(ItemFactors[BprParams]):
    """score = weighted mean of the history's vectors · item vector + the item's bias (Rendle et al. 2009,
    arXiv:1205.2618); the fit's user vectors are discarded, so new users are scored like all others."""

    name = "bpr"
    Params: ClassVar[type[BaseModel]] = BprParams

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        chosen = np.unique(matrix.indices)
        vectors = np.zeros((catalogue.n_items, self.params.embedding_size + 1), dtype=np.float32)
        if len(chosen):
            vectors[chosen] = self._item_vectors(matrix[np.diff(matrix.indptr) > 0][:, chosen])
        self._learn(vectors)
        return self

    def _item_vectors(self, matrix: sparse.csr_matrix) -> Float32:
        """(n_items, embedding_size + 1): each item's vector and, last, its bias."""
        with one_thread():  # `implicit` warns about any other number of BLAS threads on import
            from implicit.cpu.bpr import BayesianPersonalizedRanking  # type: ignore[import-untyped]

            model = BayesianPersonalizedRanking(
                factors=self.params.embedding_size,
                learning_rate=self.params.learning_rate,
                regularization=self.params.regularization,
                iterations=self.params.epochs,
                num_threads=1,
                random_state=self.params.seed,
            )
            model.fit(matrix, show_progress=False)
        vectors: Float32 = model.item_factors
        return vectors

    def _fold(self, vectors: Float64, weights: Float64) -> Float64:
        mean: Float64 = vectors.T @ weights / weights.sum()
        mean[-1] = 1.0
        return mean

    def _folds(self, vectors: Float64, weights: Float64) -> Float64:
        sums = weights.sum(axis=1, keepdims=True)
        means: Float64 = np.divide(
            weights @ vectors, sums, out=np.full((len(sums), vectors.shape[1]), np.nan), where=sums > 0
        )
        means[sums[:, 0] > 0, -1] = 1.0
        return means
