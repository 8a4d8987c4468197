"""Bayesian matrix factorisation by Gibbs sampling, with what was rated, moments and noise of its own for each user."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from models.interfaces import Catalogue, Float32, Int32, Int64, NotFittedError, Ratings
from models.raters.gibbs import draw_rows, products
from models.raters.implicit import implicit_columns, rated_matrix
from models.raters.moments import Moments
from models.threads import one_thread

Float64 = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)


class BayesianMfParams(BaseModel):
    """What Bayesian matrix factorisation depends on."""

    model_config = ConfigDict(extra="forbid")

    factors: int = Field(default=48, ge=1)
    """More tell finer tastes apart; time grows with the square, overfitting hardly."""
    sweeps: int = Field(default=100, ge=2)
    """More average out the sampler's own noise; time grows linearly."""
    burn_in: int = Field(default=20, ge=1)
    """First sweeps that are thrown away; too few keep the arbitrary start in the answer."""
    implicit_rank: int = Field(default=256, ge=0)
    """Directions of what was rated that the prior means of users and items follow; 0 leaves that out."""
    user_day: bool = True
    """A user's mood of a day; only with times."""
    user_run: int = Field(default=0, ge=0)
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
        self.samples_: list[_Sample] = []

    def fit(self, ratings: Ratings, catalogue: Catalogue, watch: Any = None) -> Self:
        chosen = self.params
        ratings = ratings.rows(np.flatnonzero(ratings.weights > 0))
        rng = np.random.default_rng(chosen.seed)
        self.mean_ = float(np.average(ratings.values, weights=ratings.weights))
        kinds = [
            ("user_day", int(chosen.user_day)),
            ("user_run", chosen.user_run),
            ("item_season", chosen.item_seasons),
        ]
        self.moments_ = [Moments(kind, size, ratings) for kind, size in kinds if size]  # type: ignore[arg-type]
        self.samples_ = []
        with one_thread():
            state = _State(ratings, catalogue.n_items, self.mean_, self.moments_, chosen, rng)
            for sweep in range(chosen.sweeps):
                state.sweep()
                if sweep >= chosen.burn_in:
                    self.samples_.append(state.sample())
                if watch is not None:
                    watch(sweep, self, state)
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        return self._moments(users, items, times)[0].astype(np.float32)

    def uncertainty(self, users: Int32, items: Int32, times: Int64) -> Float32:
        """(n,) standard deviation of the rating itself: what the model does not know, and noise."""
        return np.sqrt(self._moments(users, items, times)[1]).astype(np.float32)

    def _moments(self, users: Int32, items: Int32, times: Int64) -> tuple[Float64, Float64]:
        """Mean and variance of each pair's predictive distribution."""
        if not self.samples_:
            raise NotFittedError("bayesian_mf: asked before it was fitted; call fit")
        groups = [moments.groups(users, items, times) for moments in self.moments_]
        total, squares, noise = (np.zeros(len(users)) for _ in range(3))
        for sample in self.samples_:
            found = self.mean_ + products(users, items, sample.users, sample.items).astype(np.float64)
            for group, effects in zip(groups, sample.effects, strict=True):
                found += np.where(group >= 0, effects[group], 0.0)
            total += found
            squares += found * found
            noise += 1.0 / sample.precisions[users]
        n = len(self.samples_)
        mean = total / n
        return mean, np.maximum(squares / n - mean * mean, 0.0) + noise / n


@dataclass(frozen=True)
class _Sample:
    """One draw: users (n_users, d + 2) as (u, b_u, 1), items (n_items, d + 2) as (v, 1, b_i), effects of each kind of
    moment, precisions (n_users,) of the noise."""

    users: Float32
    items: Float32
    effects: list[Float32]
    precisions: Float64


class _Side:
    """The rows of one side with their prior."""

    def __init__(self, rows: Int32, n_rows: int, columns: Float64, size: int, rng: np.random.Generator) -> None:
        self.order = np.argsort(rows, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
        self.columns = columns
        self.squares = (columns * columns).sum(axis=0)
        self.rng = rng
        self.factors = (rng.standard_normal((n_rows, size)) * 0.1).astype(np.float32)
        self.factors[:, -1] = 0.0
        self.links = np.zeros((columns.shape[1], size))
        self.link_precision = 1.0

    def draw_prior(self) -> tuple[Float64, Float64]:
        """Prior means (n_rows, d) and their common precision, drawn given the rows."""
        n_rows, size = self.factors.shape
        rest = self.factors - self.columns @ self.links
        mean = rest.mean(axis=0)
        spread = rest - mean
        # normal-Wishart with the standard settings of Salakhutdinov & Mnih: β0 = 2, ν0 = d, W0 = 1, μ0 = 0
        scale = np.eye(size) + spread.T @ spread + np.outer(mean, mean) * (2.0 * n_rows / (2.0 + n_rows))
        scale += self.link_precision * self.links.T @ self.links
        precision = _wishart(size + n_rows + len(self.links), scale, self.rng)
        root = np.linalg.inv(np.linalg.cholesky(precision))
        centre = mean * (n_rows / (2.0 + n_rows))
        centre = centre + self.rng.standard_normal(size) @ root / np.sqrt(2.0 + n_rows)
        if len(self.links):
            pulled = self.squares + self.link_precision
            found = self.columns.T @ (self.factors - centre) / pulled[:, None]
            self.links = found + (self.rng.standard_normal(found.shape) @ root) / np.sqrt(pulled)[:, None]
            weight = float(((self.links @ precision) * self.links).sum())
            self.link_precision = self.rng.gamma(0.5 * self.links.size + 1.0) / (0.5 * weight + 1.0)
        return centre + self.columns @ self.links, precision


def _wishart(freedom: int, inverse_scale: Float64, rng: np.random.Generator) -> Float64:
    """One draw with scale matrix `inverse_scale`⁻¹ (Bartlett's decomposition)."""
    size = len(inverse_scale)
    lower = np.tril(rng.standard_normal((size, size)), -1)
    lower[np.diag_indices(size)] = np.sqrt(rng.chisquare(freedom - np.arange(size)))
    root = np.linalg.cholesky(np.linalg.inv(inverse_scale)) @ lower
    found: Float64 = root @ root.T
    return found


class _State:
    """Where the sampler stands."""

    def __init__(self, ratings, n_items, mean, moments, params, rng) -> None:
        self.rng, self.params = rng, params
        self.users, self.items = ratings.users, ratings.items
        self.weights = ratings.weights.astype(np.float64)
        self.values = ratings.values.astype(np.float64) - mean
        rated = rated_matrix(ratings, n_items)
        size = params.factors + 1
        self.user_side = _Side(
            self.users, ratings.n_users, implicit_columns(rated, params.implicit_rank, params.seed), size, rng
        )
        self.item_side = _Side(
            self.items, n_items, implicit_columns(rated.T.tocsr(), params.implicit_rank, params.seed), size, rng
        )
        self.moments = moments
        self.effects = [np.zeros(kind.n_groups) for kind in moments]
        self.strengths = [10.0 for _ in moments]
        self.precisions = np.ones(ratings.n_users)
        self.alpha = 1.0 / max(float(self.values.var()), 1e-6)
        self.counts = np.bincount(self.users, minlength=ratings.n_users)

    def sweep(self) -> None:
        user, item = self.user_side, self.item_side
        rest = self.values.copy()
        for kind, effects in zip(self.moments, self.effects, strict=True):
            rest -= effects[kind.groups_]
        certain = self.alpha * self.precisions[self.users] * self.weights
        self._draw(user, item, self.items, rest, certain)
        self._draw(item, user, self.users, rest, certain)
        sample_users, sample_items = self._augmented()
        rest -= products(self.users, self.items, sample_users, sample_items)
        for place, kind in enumerate(self.moments):
            rest += self.effects[place][kind.groups_]
            known = np.bincount(kind.groups_, certain, kind.n_groups) + self.strengths[place]
            found = np.bincount(kind.groups_, certain * rest, kind.n_groups) / known
            found += self.rng.standard_normal(kind.n_groups) / np.sqrt(known)
            self.effects[place] = found
            self.strengths[place] = self.rng.gamma(0.5 * kind.n_groups + 1.0) / (0.5 * float(found @ found) + 0.1)
            rest -= found[kind.groups_]
        squares = np.bincount(self.users, self.weights * rest * rest, len(self.precisions))
        if self.params.user_noise:
            half = 0.5 * self.params.user_noise
            self.precisions = self.rng.gamma(half + 0.5 * self.counts) / (half + 0.5 * self.alpha * squares)
        total = float((self.precisions * squares).sum())
        self.alpha = self.rng.gamma(0.5 * len(rest) + 1.0) / (0.5 * total + 1.0)

    def _draw(self, side: _Side, other: _Side, others: Int32, rest: Float64, certain: Float64) -> None:
        means, precision = side.draw_prior()
        factors = other.factors.copy()
        factors[:, -1] = 1.0
        targets = (rest - other.factors[others, -1])[side.order].astype(np.float32)
        side.factors = draw_rows(
            side.starts,
            others[side.order],
            targets,
            certain[side.order].astype(np.float32),
            factors,
            means,
            precision,
            self.rng.standard_normal(means.shape),
        )

    def _augmented(self) -> tuple[Float32, Float32]:
        user, item = self.user_side.factors, self.item_side.factors
        of_users = np.column_stack([user, np.ones(len(user), dtype=np.float32)])
        of_items = np.column_stack([item[:, :-1], np.ones(len(item), dtype=np.float32), item[:, -1]])
        return of_users, of_items

    def sample(self) -> _Sample:
        users, items = self._augmented()
        return _Sample(users, items, [e.astype(np.float32) for e in self.effects], self.alpha * self.precisions)
