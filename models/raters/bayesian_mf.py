"""Bayesian matrix factorization by Gibbs sampling, with implicit feedback, temporal effects and per-user noise."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Float64, Int32, Int64
from models.compute.threads import one_thread
from models.data.types import Catalogue, NotFittedError, Ratings
from models.rating.gibbs_kernels import products
from models.rating.gibbs_sampler import Sample, Sampler
from models.rating.temporal_groups import Kind, Moments


class BayesianMfParams(BaseModel):
    """Params of Bayesian matrix factorization."""

    model_config = ConfigDict(extra="forbid")

    factors: int = Field(default=64, ge=1)
    """More tell finer tastes apart; time grows with the square, overfitting hardly."""
    burn_in: int = Field(default=20, ge=1)
    """First sweeps that are thrown away; too few keep the arbitrary start in the answer."""
    samples: int = Field(default=80, ge=2)
    """Draws that predictions average over; more smooth out the sampler's own noise, time and memory grow linearly."""
    keep_every: int = Field(default=1, ge=1)
    """Sweeps for each draw that is kept; more save memory for the same smoothness, at the cost of time."""
    implicit_rank: int = Field(default=256, ge=0)
    """Directions of what was rated that the prior means of users and items follow; 0 leaves that out."""
    user_day: bool = True
    """A user's mood of a day; only with times."""
    user_run: int = Field(default=12, ge=0)
    """Ratings of a user that follow each other and share a mood; 0 leaves it out."""
    item_seasons: int = Field(default=20, ge=0)
    """Spans of time in which an item has a level of its own; 0 leaves it out."""
    user_noise: float = Field(default=8.0, ge=0)
    """Degrees of freedom with which a user's noise varies around the common one: lower varies more; 0: all the same."""
    seed: int = 0


class BayesianMf:
    """r ~ N(μ + b_u + b_i + u·v + moments, 1 / (α a_u)), (u, b_u) ~ N(β x_u + m, Λ⁻¹), likewise for items.

    x_u are the main directions of what the user rated. Salakhutdinov & Mnih 2008 (doi:10.1145/1390156.1390267); prior
    means that are linear in side information: Simm et al. 2017 (Macau, doi:10.1109/MLSP.2017.8168143).
    """

    Params: ClassVar[type[BaseModel]] = BayesianMfParams

    def __init__(self, params: BayesianMfParams | None = None) -> None:
        self.params = params or BayesianMfParams()
        self.samples_: list[Sample] = []

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        chosen = self.params
        ratings = ratings.rows(np.flatnonzero(ratings.weights > 0))
        kinds: list[tuple[Kind, int]] = [
            ("user_day", int(chosen.user_day)),
            ("user_run", chosen.user_run),
            ("item_season", chosen.item_seasons),
        ]
        self.mean_ = float(np.average(ratings.values, weights=ratings.weights))
        self.moments_ = [Moments(kind, size, ratings) for kind, size in kinds if size]
        self.samples_ = []
        with one_thread():
            sampler = Sampler(
                ratings,
                catalogue.n_items,
                self.mean_,
                self.moments_,
                factors=chosen.factors,
                implicit_rank=chosen.implicit_rank,
                user_noise=chosen.user_noise,
                seed=chosen.seed,
            )
            for sweep in range(chosen.burn_in + chosen.samples * chosen.keep_every):
                sampler.sweep()
                if sweep >= chosen.burn_in and (sweep - chosen.burn_in + 1) % chosen.keep_every == 0:
                    self.samples_.append(sampler.sample())
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        return self._moments(users, items, times)[0].astype(np.float32)

    def uncertainty(self, users: Int32, items: Int32, times: Int64) -> Float32:
        """(n,) standard deviation of the rating: uncertainty of the model and noise."""
        return np.sqrt(self._moments(users, items, times)[1]).astype(np.float32)

    def _moments(self, users: Int32, items: Int32, times: Int64) -> tuple[Float64, Float64]:
        """Mean and variance of each pair's predictive distribution."""
        if not self.samples_:
            raise NotFittedError("bayesian_mf: asked before it was fitted; call fit")
        groups = [moments.groups(users, items, times) for moments in self.moments_]
        total, squares, noise = (np.zeros(len(users)) for _ in range(3))
        for sample in self.samples_:
            predicted = self.mean_ + products(users, items, sample.users, sample.items).astype(np.float64)
            for group, effects in zip(groups, sample.effects, strict=True):
                predicted += np.where(group >= 0, effects[group], 0.0)
            total += predicted
            squares += predicted * predicted
            noise += 1.0 / sample.precisions[users]
        n = len(self.samples_)
        mean = total / n
        return mean, np.maximum(squares / n - mean * mean, 0.0) + noise / n
