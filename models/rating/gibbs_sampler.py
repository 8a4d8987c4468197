"""The Gibbs sampler of bayesian_mf: one sweep samples every unknown given all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Float64, Int32
from models.data.types import Ratings
from models.rating.gibbs_kernels import draw_rows, products
from models.rating.implicit_feedback import implicit_columns, rated_matrix
from models.rating.temporal_groups import Moments


@dataclass(frozen=True)
class Sample:
    """One draw: users (n_users, d + 2) as (u, b_u, 1), items (n_items, d + 2) as (v, 1, b_i), effects of each kind of
    moment, precisions (n_users,) of the noise in a user's ratings."""

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
            means = self.columns.T @ (self.factors - centre) / pulled[:, None]
            self.links = means + (self.rng.standard_normal(means.shape) @ root) / np.sqrt(pulled)[:, None]
            weight = float(((self.links @ precision) * self.links).sum())
            self.link_precision = self.rng.gamma(0.5 * self.links.size + 1.0) / (0.5 * weight + 1.0)
        return centre + self.columns @ self.links, precision


def _wishart(freedom: int, inverse_scale: Float64, rng: np.random.Generator) -> Float64:
    """One draw with scale matrix `inverse_scale`⁻¹ (Bartlett's decomposition)."""
    size = len(inverse_scale)
    lower = np.tril(rng.standard_normal((size, size)), -1)
    lower[np.diag_indices(size)] = np.sqrt(rng.chisquare(freedom - np.arange(size)))
    root = np.linalg.cholesky(np.linalg.inv(inverse_scale)) @ lower
    matrix: Float64 = root @ root.T
    return matrix


class Sampler:
    """The state of the sampler; call within `models.compute.threads.one_thread`."""

    def __init__(
        self,
        ratings: Ratings,
        n_items: int,
        mean: float,
        moments: list[Moments],
        *,
        factors: int,
        implicit_rank: int,
        user_noise: float,
        seed: int,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.user_noise = user_noise
        self.users, self.items = ratings.users, ratings.items
        self.weights = ratings.weights.astype(np.float64)
        self.values = ratings.values.astype(np.float64) - mean
        rated = rated_matrix(ratings, n_items)
        of_users = implicit_columns(rated, implicit_rank, seed)
        of_items = implicit_columns(rated.T.tocsr(), implicit_rank, seed)
        self.user_side = _Side(self.users, ratings.n_users, of_users, factors + 1, self.rng)
        self.item_side = _Side(self.items, n_items, of_items, factors + 1, self.rng)
        self.moments = moments
        self.effects = [np.zeros(kind.n_groups) for kind in moments]
        self.strengths = [10.0 for _ in moments]  # precisions of the effects; the first sweeps correct them
        self.precisions = np.ones(ratings.n_users)
        self.alpha = 1.0 / max(float(self.values.var()), 1e-6)
        self.counts = np.bincount(self.users, minlength=ratings.n_users)

    def sweep(self) -> None:
        """Draws users, items, each kind of moment and the noise, in this order."""
        user, item = self.user_side, self.item_side
        rest = self.values.copy()
        for kind, effects in zip(self.moments, self.effects, strict=True):
            rest -= effects[kind.groups_]
        certain = self.alpha * self.precisions[self.users] * self.weights
        self._draw(user, item, self.items, rest, certain)
        self._draw(item, user, self.users, rest, certain)
        sample_users, sample_items = self._complete()
        rest -= products(self.users, self.items, sample_users, sample_items)
        for number, kind in enumerate(self.moments):
            rest += self.effects[number][kind.groups_]
            certainty = np.bincount(kind.groups_, certain, kind.n_groups) + self.strengths[number]
            effects = np.bincount(kind.groups_, certain * rest, kind.n_groups) / certainty
            effects += self.rng.standard_normal(kind.n_groups) / np.sqrt(certainty)
            self.effects[number] = effects
            self.strengths[number] = self.rng.gamma(0.5 * kind.n_groups + 1.0) / (0.5 * float(effects @ effects) + 0.1)
            rest -= effects[kind.groups_]
        squares = np.bincount(self.users, self.weights * rest * rest, len(self.precisions))
        if self.user_noise:
            half = 0.5 * self.user_noise
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

    def _complete(self) -> tuple[Float32, Float32]:
        user, item = self.user_side.factors, self.item_side.factors
        of_users = np.column_stack([user, np.ones(len(user), dtype=np.float32)])
        of_items = np.column_stack([item[:, :-1], np.ones(len(item), dtype=np.float32), item[:, -1]])
        return of_users, of_items

    def sample(self) -> Sample:
        """The current sample, in the form that predictions need."""
        users, items = self._complete()
        return Sample(users, items, [e.astype(np.float32) for e in self.effects], self.alpha * self.precisions)
