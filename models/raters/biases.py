"""Bias baseline: global mean, item bias, user bias and an item's seasonal bias."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Float64, Int32, Int64
from models.data.types import Catalogue, NotFittedError, Ratings
from models.rating.temporal_groups import Moments


class BiasesParams(BaseModel):
    """Params of the bias baseline."""

    model_config = ConfigDict(extra="forbid")

    item_regularization: float = Field(default=2.0, gt=0)
    """Higher pulls items with few ratings towards the mean of all."""
    user_regularization: float = Field(default=4.0, gt=0)
    """Higher pulls users with few ratings towards no habit of their own."""
    rounds: int = Field(default=8, ge=1)
    """Alternations between items and users; one is the textbook's estimate, more settle it."""
    item_seasons: int = Field(default=0, ge=0)
    """Spans of time in which an item has a level of its own; 0: none. Useless for times after the last rating."""
    season_regularization: float = Field(default=20.0, gt=0)
    """Higher trusts an item's level of one season less."""


class Biases:
    """r̂ = μ + b_i + b_u + b_{i,season}, b = Σ residuals / (regularization + n), in turn (Koren 2008, section 2.1)."""

    Params: ClassVar[type[BaseModel]] = BiasesParams

    def __init__(self, params: BiasesParams | None = None) -> None:
        self.params = params or BiasesParams()
        self.item_biases_: Float64 | None = None

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        chosen, weights = self.params, ratings.weights.astype(np.float64)
        users, items = ratings.users, ratings.items
        self.mean_ = float(np.average(ratings.values, weights=weights))
        rest = ratings.values.astype(np.float64) - self.mean_
        self.seasons_ = Moments("item_season", chosen.item_seasons, ratings) if chosen.item_seasons else None
        of_items, of_users = np.zeros(catalogue.n_items), np.zeros(ratings.n_users)
        self.of_seasons_ = np.zeros(self.seasons_.n_groups if self.seasons_ else 0)
        in_season = np.zeros(len(ratings))
        for _ in range(chosen.rounds):
            of_items = _level(items, rest - of_users[users] - in_season, weights, of_items, chosen.item_regularization)
            of_users = _level(users, rest - of_items[items] - in_season, weights, of_users, chosen.user_regularization)
            if self.seasons_:
                groups, left = self.seasons_.groups_, rest - of_items[items] - of_users[users]
                self.of_seasons_ = _level(groups, left, weights, self.of_seasons_, chosen.season_regularization)
                in_season = self.of_seasons_[groups]
        self.item_biases_, self.user_biases_ = of_items, of_users
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        if self.item_biases_ is None:
            raise NotFittedError("biases: asked before it was fitted; call fit")
        predicted = self.mean_ + self.item_biases_[items] + self.user_biases_[users]
        if self.seasons_:
            groups = self.seasons_.groups(users, items, times)
            predicted += np.where(groups >= 0, self.of_seasons_[groups], 0.0)
        return predicted.astype(np.float32)


def _level(groups: Int32 | Int64, rest: Float64, weights: Float64, like: Float64, regularization: float) -> Float64:
    """(n_groups,) Σ weight · residual / (regularization + Σ weight) of each group."""
    total = np.bincount(groups, weights * rest, len(like))
    levels: Float64 = total / (regularization + np.bincount(groups, weights, len(like)))
    return levels
