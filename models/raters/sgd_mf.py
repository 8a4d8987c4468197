"""Matrix factorization with biases by stochastic gradient descent."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numba import njit  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32, Int64
from models.data.types import Catalogue, NotFittedError, Ratings


class SgdMfParams(BaseModel):
    """Params of matrix factorization."""

    model_config = ConfigDict(extra="forbid")

    factors: int = Field(default=48, ge=1)
    """More tell finer tastes apart and overfit sooner."""
    epochs: int = Field(default=30, ge=1)
    """Passes over the ratings; the learning rate falls to a tenth on the way."""
    learning_rate: float = Field(default=0.015, gt=0)
    """Higher learns faster and less finely."""
    regularization: float = Field(default=0.045, ge=0)
    """Pulls factors towards 0; higher trusts users and items with few ratings less."""
    bias_regularization: float = Field(default=0.01, ge=0)
    """The same for the biases."""
    seed: int = 0


class SgdMf:
    """r̂ = μ + b_u + b_i + p_u · q_i (Koren, Bell & Volinsky 2009, doi:10.1109/MC.2009.263)."""

    Params: ClassVar[type[BaseModel]] = SgdMfParams

    def __init__(self, params: SgdMfParams | None = None) -> None:
        self.params = params or SgdMfParams()
        self.users_: Float32 | None = None

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        chosen = self.params
        rng = np.random.default_rng(chosen.seed)
        self.mean_ = np.float32(np.average(ratings.values, weights=ratings.weights))
        size = chosen.factors + 1  # the last column is the bias
        self.users_ = _start(rng, ratings.n_users, size)
        self.items_ = _start(rng, catalogue.n_items, size)
        rest = ratings.values - self.mean_
        for epoch in range(chosen.epochs):
            rate = chosen.learning_rate * 0.1 ** (epoch / max(chosen.epochs - 1, 1))
            _descend(
                rng.permutation(len(ratings)),
                ratings.users,
                ratings.items,
                rest,
                ratings.weights,
                self.users_,
                self.items_,
                np.float32(rate),
                np.float32(chosen.regularization),
                np.float32(chosen.bias_regularization),
            )
        # users and items without ratings keep the mean
        self.users_[np.bincount(ratings.users, minlength=ratings.n_users) == 0] = 0.0
        self.items_[np.bincount(ratings.items, minlength=catalogue.n_items) == 0] = 0.0
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        if self.users_ is None:
            raise NotFittedError("sgd_mf: asked before it was fitted; call fit")
        user, item = self.users_[users], self.items_[items]
        together = (user[:, :-1] * item[:, :-1]).sum(axis=1)
        predicted: Float32 = self.mean_ + together + user[:, -1] + item[:, -1]
        return predicted


def _start(rng: np.random.Generator, n_rows: int, size: int) -> Float32:
    factors: Float32 = (rng.standard_normal((n_rows, size)) * 0.1 / np.sqrt(size)).astype(np.float32)
    factors[:, -1] = 0.0
    return factors


@njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _descend(order, users, items, rest, weights, of_users, of_items, rate, shrink, shrink_bias):  # type: ignore[no-untyped-def]
    """One pass over the ratings in the order given, in place; single-threaded, so that the result is deterministic."""
    size = of_users.shape[1] - 1
    for row in order:
        user, item = of_users[users[row]], of_items[items[row]]
        predicted = user[size] + item[size]
        for column in range(size):
            predicted += user[column] * item[column]
        step = rate * weights[row]
        error = rest[row] - predicted
        user[size] += step * (error - shrink_bias * user[size])
        item[size] += step * (error - shrink_bias * item[size])
        for column in range(size):
            before = user[column]
            user[column] += step * (error * item[column] - shrink * before)
            item[column] += step * (error * before - shrink * item[column])
