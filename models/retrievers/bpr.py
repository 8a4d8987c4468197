"""BPR: item vectors learned so that what a person chose comes before what they did not (through `implicit`)."""

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
    """What BPR depends on."""

    embedding_size: int = Field(default=64, ge=1)
    """Numbers in a vector: more tells finer tastes apart, costs memory and time linearly."""
    epochs: int = Field(default=100, ge=1)
    """Passes over the log; on one thread, since several would race and no two fits would be alike."""
    learning_rate: float = Field(default=0.05, gt=0)
    """Length of a step: greater learns sooner and less exactly."""
    regularization: float = Field(default=0.01, ge=0)
    """Pulls vectors towards 0: greater trusts rare items less."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """A history's entry counts half when it is so much older than the newest; null: age does not matter."""
    seed: int = 1
    """Of the first vectors and of the pairs that are drawn."""


class Bpr(ItemFactors[BprParams]):
    """score = weighted mean of the history's vectors · item vector + the item's bias (Rendle et al. 2009,
    arXiv:1205.2618); the users' vectors that the fit needs are thrown away, so a new user is served like any other."""

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
        with one_thread():  # `implicit` warns of any other number while it is imported
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
