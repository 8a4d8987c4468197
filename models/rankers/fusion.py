"""Reciprocal rank fusion of the retrievers: needs no training and is hard to beat with few examples."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32
from models.data.saved_params import read_params, write_params
from models.data.types import NotFittedError
from models.interfaces import Rows
from models.ranking.features import RANK_PREFIX
from models.single_query.score_plans import FusedRanks


class FusionParams(BaseModel):
    """How ranks are added."""

    model_config = ConfigDict(extra="forbid")

    constant: float = Field(default=60.0, gt=0)
    """Greater lets agreement between retrievers count more than a first place."""
    weights: dict[str, float] = {}
    """Retriever → weight, 1 where it is not named; 0 leaves its opinion out."""


class Fusion:
    """score = Σ weight · 1 / (constant + rank), scaled to 1 for the first place of every retriever

    (Cormack et al. 2009, doi:10.1145/1571941.1572114).
    """

    Params: ClassVar[type[BaseModel]] = FusionParams

    def __init__(self, params: FusionParams | None = None) -> None:
        self.params = params or FusionParams()
        self.columns_: list[int] | None = None
        self.weights_: list[float] = []

    def fit(self, features: Rows, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """Finds the columns of the retrievers; examples may be empty."""
        self.columns_ = [column for column, name in enumerate(names) if name.startswith(RANK_PREFIX)]
        retrievers = [names[column].removeprefix(RANK_PREFIX) for column in self.columns_]
        self.weights_ = [self.params.weights.get(name, 1.0) for name in retrievers]
        return self

    def score(self, features: Float32) -> Float32:
        if self.columns_ is None:
            raise NotFittedError("fusion: asked before it was fitted; call fit or load")
        return fused(features[:, self.columns_], np.array(self.weights_), self.params.constant)

    def score_plan(self) -> FusedRanks:
        """Columns and weights, for a kernel."""
        if self.columns_ is None:
            raise NotFittedError("fusion: no plan before it was fitted")
        return FusedRanks(
            columns=np.array(self.columns_, dtype=np.int32),
            weights=np.array(self.weights_, dtype=np.float64),
            constant=self.params.constant,
        )

    def save(self, folder: Path) -> None:
        if self.columns_ is None:
            raise NotFittedError("fusion: nothing to save before it was fitted")
        learned = _Learned(params=self.params, columns=self.columns_, weights=self.weights_)
        write_params(learned, folder / "fusion.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        learned = read_params(folder / "fusion.json", "ranker.fusion", _Learned)
        fusion = cls(learned.params)
        fusion.columns_, fusion.weights_ = learned.columns, learned.weights
        return fusion


class _Learned(BaseModel):
    params: FusionParams
    columns: list[int]
    weights: list[float]


def fused(inverse_ranks: Float32, weights: np.ndarray, constant: float) -> Float32:  # type: ignore[type-arg]
    """(n_rows,) from columns of 1 / rank, 0 where not offered: 1 / (c + rank) = inverse / (1 + c · inverse)."""
    total = np.zeros(len(inverse_ranks), dtype=np.float64)
    for column, weight in enumerate(weights):
        inverse = inverse_ranks[:, column].astype(np.float64)
        total += weight * inverse / (1.0 + constant * inverse)
    scale = float(np.sum(weights)) / (1.0 + constant)
    return (total / scale if scale > 0 else total).astype(np.float32)
