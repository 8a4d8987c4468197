"""SVD: projects a history onto the leading singular vectors of users × items."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field

from features.arrays import Float64
from models.data.types import Catalogue, Log
from models.retrieval.history_profile import Recency, interactions_matrix
from models.retrieval.item_factors import ItemFactors
from models.retrieval.truncated_svd import truncated_svd


class SvdParams(Recency):
    """Parameters of the decomposition."""

    n_components: int = Field(default=64, ge=1)
    """Components kept. More separate finer tastes and fit noise."""
    damping: float = Field(default=0.3, ge=0, le=1)
    """Each column is divided by this power of its norm: 0 (PureSVD) favors popular items, 1 is neutral."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""
    seed: int = 1
    """Seed of the initial random projection."""


class Svd(ItemFactors[SvdParams]):
    """score = profile · V Vᵀ with V the leading right singular vectors of users × items (PureSVD, Cremonesi et al.
    2010, doi:10.1145/1864708.1864721), the columns damped by their norm (EigenRec, Nikolakopoulos et al. 2019,
    doi:10.1007/s10115-018-1197-7)."""

    name = "svd"
    Params: ClassVar[type[BaseModel]] = SvdParams

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        self._learn(truncated_svd(matrix, self.params.n_components, self.params.damping, self.params.seed))
        return self

    def _fold(self, vectors: Float64, weights: Float64) -> Float64:
        folded: Float64 = vectors.T @ weights
        return folded

    def _folds(self, vectors: Float64, weights: Float64) -> Float64:
        folded: Float64 = weights @ vectors
        folded[~weights.any(axis=1)] = np.nan
        return folded
