"""timeSVD++: implicit feedback of the user, and biases that vary with day and season."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numba import njit  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import MICROSECONDS_A_DAY, Float32, Int32, Int64
from models.data.types import Catalogue, NotFittedError, Ratings
from models.rating.temporal_groups import Moments


class SvdppParams(BaseModel):
    """Params of SVD++."""

    model_config = ConfigDict(extra="forbid")

    factors: int = Field(default=32, ge=1)
    """More tell finer tastes apart and overfit sooner."""
    epochs: int = Field(default=30, ge=1)
    """Passes over the ratings; the learning rate falls to a tenth on the way."""
    learning_rate: float = Field(default=0.01, gt=0)
    """Higher learns faster and less finely."""
    regularization: float = Field(default=0.04, ge=0)
    """Pulls factors towards 0; higher trusts users and items with few ratings less."""
    bias_regularization: float = Field(default=0.02, ge=0)
    """The same for the biases of users and items and for a user's drift."""
    moment_regularization: float = Field(default=0.3, ge=0)
    """The same for a user's day and an item's season, which few ratings tell of."""
    item_seasons: int = Field(default=20, ge=1)
    """Spans of time in which an item has a level of its own; 1: none."""
    seed: int = 0


class Svdpp:
    """r̂ = μ + b_u + b_i + α_u dev_u(t) + b_{u,day} + b_{i,season} + q_i · (p_u + |N(u)|^-½ Σ_{j ∈ N(u)} y_j).

    Koren 2008 (doi:10.1145/1401890.1401944) and 2009 (timeSVD++, doi:10.1145/1557019.1557072); dev is the signed
    root of the distance in years from the user's mean date. N(u) are the items that the user rated in training.
    """

    Params: ClassVar[type[BaseModel]] = SvdppParams

    def __init__(self, params: SvdppParams | None = None) -> None:
        self.params = params or SvdppParams()
        self.users_: Float32 | None = None

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        chosen = self.params
        rng = np.random.default_rng(chosen.seed)
        in_order = ratings.rows(np.lexsort((ratings.times, ratings.users)))
        n_rated = np.bincount(in_order.users, minlength=ratings.n_users)
        starts = np.concatenate([[0], np.cumsum(n_rated)])
        self.mean_ = np.float32(np.average(ratings.values, weights=ratings.weights))
        days = np.bincount(in_order.users, in_order.times / MICROSECONDS_A_DAY, ratings.n_users)
        self.middle_ = days / np.maximum(n_rated, 1)
        self.days_ = Moments("user_day", 1, in_order)
        self.seasons_ = Moments("item_season", chosen.item_seasons, in_order)
        size = chosen.factors
        scale = np.float32(0.1 / np.sqrt(size))
        self.users_, self.items_, implicit = (
            rng.standard_normal((n, size)).astype(np.float32) * scale
            for n in (ratings.n_users, catalogue.n_items, catalogue.n_items)
        )
        # columns: bias and drift of a user; the biases of an item; a user's days; an item's seasons
        self.user_biases_ = np.zeros((ratings.n_users, 2), dtype=np.float32)
        self.item_biases_ = np.zeros(catalogue.n_items, dtype=np.float32)
        self.of_days_ = np.zeros(self.days_.n_groups, dtype=np.float32)
        self.of_seasons_ = np.zeros(self.seasons_.n_groups, dtype=np.float32)
        shrinks = (chosen.regularization, chosen.bias_regularization, chosen.moment_regularization)
        for epoch in range(chosen.epochs):
            rate = chosen.learning_rate * 0.1 ** (epoch / max(chosen.epochs - 1, 1))
            _descend(
                rng.permutation(ratings.n_users),
                starts,
                in_order.items,
                in_order.values - self.mean_,
                in_order.weights,
                self._drift(in_order.users, in_order.times),
                self.days_.groups_,
                self.seasons_.groups_,
                self.users_,
                self.items_,
                implicit,
                self.user_biases_,
                self.item_biases_,
                self.of_days_,
                self.of_seasons_,
                np.array([rate, *shrinks], dtype=np.float32),
            )
        self._settle(in_order, implicit, n_rated)
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        if self.users_ is None:
            raise NotFittedError("svdpp: asked before it was fitted; call fit")
        predicted = self.mean_ + (self.users_[users] * self.items_[items]).sum(axis=1) + self.item_biases_[items]
        predicted += self.user_biases_[users, 0] + self.user_biases_[users, 1] * self._drift(users, times)
        for moments, effects in ((self.days_, self.of_days_), (self.seasons_, self.of_seasons_)):
            groups = moments.groups(users, items, times)
            predicted += np.where(groups >= 0, effects[groups], np.float32(0.0))
        answer: Float32 = predicted.astype(np.float32)
        return answer

    def _settle(self, ratings: Ratings, implicit: Float32, n_rated: Int64) -> None:
        """User factors for prediction; users and items without ratings keep the mean."""
        assert self.users_ is not None
        totals = np.zeros_like(self.users_)
        np.add.at(totals, ratings.users, implicit[ratings.items])
        self.users_ += totals / np.sqrt(np.maximum(n_rated, 1)).astype(np.float32)[:, None]
        self.users_[n_rated == 0] = 0.0
        self.items_[np.bincount(ratings.items, minlength=len(self.items_)) == 0] = 0.0

    def _drift(self, users: Int32, times: Int64) -> Float32:
        years = (times / MICROSECONDS_A_DAY - self.middle_[users]) / 365.25
        drift: Float32 = (np.sign(years) * np.sqrt(np.abs(years))).astype(np.float32)
        return drift


@njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _descend(  # type: ignore[no-untyped-def]
    order, starts, items, rest, weights, drift, days, seasons,
    of_users, of_items, implicit, user_biases, item_biases, of_days, of_seasons, rates,
):  # fmt: skip
    """One pass over the users in the order given, in place. What `said` has to learn from a user's ratings is gathered
    and handed out once a user, which makes a pass linear in the ratings."""
    rate, shrink, shrink_bias, shrink_moment = rates
    size = of_users.shape[1]
    spoken, before, pull = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    for user in order:
        start, stop = starts[user], starts[user + 1]
        if stop == start:
            continue
        scale = np.float32(1.0 / np.sqrt(stop - start))
        spoken[:] = 0.0
        for row in range(start, stop):
            for column in range(size):
                spoken[column] += scale * implicit[items[row], column]
        before[:] = spoken
        for row in range(start, stop):
            item, day, season = items[row], days[row], seasons[row]
            predicted = user_biases[user, 0] + user_biases[user, 1] * drift[row] + item_biases[item]
            predicted += of_days[day] + of_seasons[season]
            for column in range(size):
                predicted += of_items[item, column] * (of_users[user, column] + spoken[column])
            error = rest[row] - predicted
            step = rate * weights[row]
            user_biases[user, 0] += step * (error - shrink_bias * user_biases[user, 0])
            user_biases[user, 1] += step * (error * drift[row] - shrink_bias * user_biases[user, 1])
            item_biases[item] += step * (error - shrink_bias * item_biases[item])
            of_days[day] += step * (error - shrink_moment * of_days[day])
            of_seasons[season] += step * (error - shrink_moment * of_seasons[season])
            for column in range(size):
                of_user, of_item = of_users[user, column], of_items[item, column]
                of_items[item, column] += step * (error * (of_user + spoken[column]) - shrink * of_item)
                of_users[user, column] += step * (error * of_item - shrink * of_user)
                spoken[column] += step * (error * of_item - shrink * spoken[column])
        for column in range(size):
            pull[column] = (spoken[column] - before[column]) * scale
        for row in range(start, stop):
            for column in range(size):
                implicit[items[row], column] += pull[column]
