"""Linear: logistic regression on standardized features; quick, and each weight can be read."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Float64, Int32
from models.compute.threads import one_thread
from models.data.saved_params import read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import NotFittedError
from models.interfaces import Rows
from models.ranking.sampling import rows_of_some_queries
from models.ranking.scaling import Standard, log_odds_of
from models.single_query.score_plans import WeightedSum


class LinearParams(BaseModel):
    """Params of the logistic regression."""

    model_config = ConfigDict(extra="forbid")

    l2: float = Field(default=1.0, gt=0)
    """Shrinks the weights; matters where examples are few."""
    max_iterations: int = Field(default=200, ge=1)
    """Of L-BFGS; fewer may stop before the weights are best."""
    max_rows: int = Field(default=500_000, ge=1)
    """Of examples to learn from; beyond it random whole queries are left out."""
    seed: int = Field(default=1, ge=0)
    """Of that choice."""


class Linear:
    """score = log-odds that a candidate is chosen = intercept + weights · (standardized features, what is missing).

    Each row is an example of its own; competition within a query is not modeled. Examples without a hit, or without
    a miss, give weights of 0.
    """

    Params: ClassVar[type[BaseModel]] = LinearParams

    def __init__(self, params: LinearParams | None = None) -> None:
        self.params = params or LinearParams()
        self.standard_: Standard | None = None
        self.weights_: Float64 = np.zeros(0)
        self.intercept_ = 0.0

    def fit(self, features: Rows, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """`weights_`: (2 · n_features,), one for each name, then one for each name's absence."""
        from sklearn.linear_model import LogisticRegression

        rows = rows_of_some_queries(groups, self.params.max_rows, self.params.seed)
        learned, labels = features[rows], labels[rows]
        self.standard_ = Standard.of(learned)
        self.weights_, self.intercept_ = np.zeros(2 * len(names)), log_odds_of(labels)
        if len(np.unique(labels)) == 2:
            model = LogisticRegression(C=1.0 / self.params.l2, max_iter=self.params.max_iterations)
            with one_thread():
                model.fit(self.standard_.inputs(learned), labels)
            self.weights_, self.intercept_ = model.coef_[0].astype(np.float64), float(model.intercept_[0])
        return self

    def score(self, features: Float32) -> Float32:
        if self.standard_ is None:
            raise NotFittedError("linear: asked before it was fitted; call fit or load")
        inputs = self.standard_.inputs(features)
        total = np.full(len(features), self.intercept_)
        for column, weight in enumerate(self.weights_):  # in one order, so that a row scores the same alone
            total += weight * inputs[:, column]
        return total.astype(np.float32)

    def score_plan(self) -> WeightedSum:
        """Everything that `score` reads, for a kernel."""
        if self.standard_ is None:
            raise NotFittedError("linear: no plan before it was fitted")
        standard = self.standard_
        return WeightedSum(
            means=standard.means, scales=standard.scales, weights=self.weights_, intercept=self.intercept_
        )

    def save(self, folder: Path) -> None:
        if self.standard_ is None:
            raise NotFittedError("linear: nothing to save before it was fitted")
        write_params(self.params, folder / "linear.json")
        arrays = {"means": self.standard_.means, "scales": self.standard_.scales, "weights": self.weights_}
        write_arrays(arrays | {"intercept": np.array([self.intercept_])}, folder / "linear.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        ranker = cls(read_params(folder / "linear.json", "ranker.linear", LinearParams))
        arrays = read_arrays(folder / "linear.safetensors")
        ranker.standard_ = Standard(arrays["means"], arrays["scales"])
        ranker.weights_, ranker.intercept_ = arrays["weights"], float(arrays["intercept"][0])
        return ranker
