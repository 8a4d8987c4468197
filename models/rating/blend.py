"""Blend of several raters: a linear combination with non-negative weights."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Float64
from models.data.types import NotFittedError


class BlendParams(BaseModel):
    """Params of the blend."""

    model_config = ConfigDict(extra="forbid")

    regularization: float = Field(default=30.0, ge=0)
    """Pulls the weights towards equal ones, as so many ratings would; matters where few ratings tell them apart."""


class Blend:
    """r̂ = c + Σ w_m r̂_m, w ≥ 0: ridge regression on what the raters predict for ratings that none of them saw
    (stacking: Breiman 1996, doi:10.1007/BF00117832). It learns from valid; the raters are then refitted on trainval.
    """

    Params: ClassVar[type[BaseModel]] = BlendParams

    def __init__(self, params: BlendParams | None = None) -> None:
        self.params = params or BlendParams()
        self.weights_: Float64 | None = None

    def fit(self, predictions: Float32, values: Float32) -> Self:
        """predictions: (n_rows, n_raters); values: (n_rows,) what was given."""
        from scipy.optimize import nnls

        columns, wanted = predictions.astype(np.float64), values.astype(np.float64)
        n_raters = columns.shape[1]
        middles, level = columns.mean(axis=0), wanted.mean()
        columns, wanted = columns - middles, wanted - level
        pull = self.params.regularization * np.eye(n_raters)
        precision = columns.T @ columns + pull
        goal = columns.T @ wanted + pull @ np.full(n_raters, 1.0 / n_raters)
        # the same optimum from a small square system: |R w - R⁻ᵀ goal|² with RᵀR = known
        root = np.linalg.cholesky(precision + 1e-9 * np.trace(precision) * np.eye(n_raters)).T
        self.weights_, _ = nnls(root, np.linalg.solve(root.T, goal))
        self.constant_ = float(level - middles @ self.weights_)
        return self

    def predict(self, predictions: Float32) -> Float32:
        """(n_rows,) from (n_rows, n_raters)."""
        if self.weights_ is None:
            raise NotFittedError("blend: asked before it was fitted; call fit")
        blended: Float32 = (self.constant_ + predictions.astype(np.float64) @ self.weights_).astype(np.float32)
        return blended
