"""Item autoencoder: reconstructs the ratings of an item through a hidden layer."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numba import njit  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32, Int64
from models.data.types import Catalogue, NotFittedError, Ratings
from models.raters.biases import Biases


class AutoencoderParams(BaseModel):
    """Params of the autoencoder."""

    model_config = ConfigDict(extra="forbid")

    hidden: int = Field(default=96, ge=1)
    """Width of the hidden layer; time grows linearly."""
    epochs: int = Field(default=30, ge=1)
    """Passes over the items; the learning rate falls to a tenth on the way."""
    learning_rate: float = Field(default=0.02, gt=0)
    """Higher learns faster and less finely."""
    regularization: float = Field(default=0.02, ge=0)
    """Pulls the weights of both layers towards 0; higher rebuilds less of what is chance."""
    hide: float = Field(default=0.4, ge=0, lt=1)
    """Share of an item's ratings that are left out of what goes in, while all of them are asked for; 0 lets a rating
    answer for itself."""
    seed: int = 0


class Autoencoder:
    """r̂_i = biases + W₂ · g(W₁ᵀ r_i / |r_i|^½ + c), g(x) = x / (1 + |x|); r_i: the item's residuals, |r_i| of them.

    AutoRec: Sedhain et al. 2015 (doi:10.1145/2740908.2742726); the hiding: Strub et al. 2016 (arXiv 1603.00806). Only
    ratings that there are go in and are asked for, so that a pass is linear in them.
    """

    Params: ClassVar[type[BaseModel]] = AutoencoderParams

    def __init__(self, params: AutoencoderParams | None = None) -> None:
        self.params = params or AutoencoderParams()
        self.hidden_: Float32 | None = None

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        chosen = self.params
        rng = np.random.default_rng(chosen.seed)
        self.biases_ = Biases().fit(ratings, catalogue)
        ratings = ratings.rows(np.argsort(ratings.items, kind="stable"))
        rest = ratings.values - self.biases_.predict(ratings.users, ratings.items, ratings.times)
        starts = np.concatenate([[0], np.cumsum(np.bincount(ratings.items, minlength=catalogue.n_items))])
        shape = (ratings.n_users, chosen.hidden)
        into = (rng.standard_normal(shape) * 0.1).astype(np.float32)
        self.users_ = (rng.standard_normal(shape) * 0.3 / np.sqrt(chosen.hidden)).astype(np.float32)
        bias = np.zeros(chosen.hidden, dtype=np.float32)
        for epoch in range(chosen.epochs):
            rate = chosen.learning_rate * 0.1 ** (epoch / max(chosen.epochs - 1, 1))
            kept = (rng.random(len(ratings), dtype=np.float32) >= chosen.hide).astype(np.float32)
            _descend(
                rng.permutation(catalogue.n_items),
                starts,
                ratings.users,
                rest,
                ratings.weights,
                kept / np.float32(1.0 - chosen.hide),
                into,
                self.users_,
                bias,
                np.float32(rate),
                np.float32(chosen.regularization),
            )
        self.users_[np.bincount(ratings.users, minlength=ratings.n_users) == 0] = 0.0
        self.hidden_ = np.zeros((catalogue.n_items, chosen.hidden), dtype=np.float32)
        for item, (start, stop) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
            if stop > start:
                inner = bias + rest[start:stop] @ into[ratings.users[start:stop]] / np.float32(np.sqrt(stop - start))
                self.hidden_[item] = inner / (1.0 + np.abs(inner))
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        if self.hidden_ is None:
            raise NotFittedError("autoencoder: asked before it was fitted; call fit")
        predicted = self.biases_.predict(users, items, times)
        predicted += (self.hidden_[items] * self.users_[users]).sum(axis=1)
        return predicted


@njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _descend(order, starts, users, rest, weights, kept, into, out, bias, rate, shrink):  # type: ignore[no-untyped-def]
    """One pass over the items in the order given, in place; single-threaded, so that the result is deterministic.

    What an item's input has to learn is gathered in `inner` while its ratings pass, and handed out to the rows of
    `into` by their shares afterwards; thus an item with thousands of ratings takes no leap.
    """
    size = into.shape[1]
    inner, before = np.empty(size, np.float32), np.empty(size, np.float32)
    for item in order:
        start, stop = starts[item], starts[item + 1]
        if stop == start:
            continue
        scale = np.float32(1.0 / np.sqrt(stop - start))
        inner[:] = bias
        squares = np.float32(1.0)
        for row in range(start, stop):
            value = kept[row] * rest[row] * scale
            squares += value * value
            if value != 0.0:
                for column in range(size):
                    inner[column] += value * into[users[row], column]
        before[:] = inner
        for row in range(start, stop):
            user = users[row]
            error = rest[row]
            for column in range(size):
                error -= out[user, column] * inner[column] / (np.float32(1.0) + abs(inner[column]))
            step = rate * weights[row]
            for column in range(size):
                flat = np.float32(1.0) / (np.float32(1.0) + abs(inner[column]))
                of_user = out[user, column]
                out[user, column] += step * (error * inner[column] * flat - shrink * of_user)
                inner[column] += step * (error * of_user * flat * flat - shrink * inner[column])
        for column in range(size):
            before[column] = (inner[column] - before[column]) / squares
            bias[column] += before[column]
        for row in range(start, stop):
            value = kept[row] * rest[row] * scale
            if value != 0.0:
                for column in range(size):
                    into[users[row], column] += value * before[column]
