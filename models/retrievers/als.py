"""ALS: item vectors by alternating least squares; a user's vector is solved from their history at query time."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from features.arrays import Float32, Float64
from models.compute.threads import one_thread
from models.data.types import Catalogue, Log
from models.retrieval.history_profile import Recency, interactions_matrix
from models.retrieval.item_factors import ItemFactors

START = 0.1  # norm of the initial vectors
SLIGHT = 0.01  # relative change of the ridge up to which it is corrected for
CORRECTIONS = 2  # each divides the error by 1 / SLIGHT at least


class AlsParams(Recency):
    """Parameters of ALS."""

    embedding_size: int = Field(default=64, ge=1)
    """Dimensions of a vector. More separate finer tastes; memory grows linearly and time with the cube."""
    epochs: int = Field(default=8, ge=1)
    """Number of iterations (users, then items); late ones change little."""
    unobserved: float = Field(default=25.0, gt=0)
    """Weight of an average user's unobserved items, relative to 1 for the observed; greater penalizes rare items."""
    regularization: float = Field(default=0.25, gt=0)
    """L2 regularization; greater shrinks the vectors of short histories and rare items more."""
    frequency_scaling: float = Field(default=0.5, ge=0, le=1)
    """Exponent of a row's total weight in its regularization: 0 is the same for all, 1 is proportional."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""
    seed: int = 1
    """Seed of the initial vectors."""


class Als(ItemFactors[AlsParams]):
    """Minimizes Σ over choices of trust · (1 - u·v)² + α Σ over all pairs of (u·v)² + λ Σ (n + α N)^ν |vector|².

    Hu, Koren, Volinsky 2008 (doi:10.1109/ICDM.2008.22) as set up by Rendle et al. 2021 (arXiv:2110.14037); n: trust
    of the user's (item's) choices, N: number of items (users); α = unobserved · trust of all choices / number of pairs,
    so that one setting suits dense and sparse logs.
    """

    name = "als"
    Params: ClassVar[type[BaseModel]] = AlsParams

    def __init__(self, params: AlsParams | None = None) -> None:
        super().__init__(params)
        self.alpha_ = 0.0
        self._gram: Float64 = np.zeros((0, 0))
        self._n_items = 0

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        chosen = np.unique(matrix.indices)
        by_user = matrix[np.diff(matrix.indptr) > 0][:, chosen]
        vectors = np.zeros((catalogue.n_items, self.params.embedding_size), dtype=np.float32)
        self.alpha_ = 0.0
        if len(chosen):
            self.alpha_ = self.params.unobserved * float(by_user.sum(dtype=np.float64)) / np.prod(by_user.shape)
            vectors[chosen] = self._item_vectors(by_user, by_user.T.tocsr())
        self._learn(vectors, alpha=np.array([self.alpha_]))
        return self

    def _item_vectors(self, by_user: sparse.csr_matrix, by_item: sparse.csr_matrix) -> Float32:
        n_users, n_items = by_user.shape
        rng = np.random.default_rng(self.params.seed)
        start = rng.standard_normal((n_items, self.params.embedding_size)) * START / np.sqrt(self.params.embedding_size)
        items: Float32 = start.astype(np.float32)
        users = np.zeros((n_users, self.params.embedding_size), dtype=np.float32)
        with one_thread():
            for _ in range(self.params.epochs):
                self._sweep(by_user, items, users)
                self._sweep(by_item, users, items)
        return items

    def _sweep(self, rows: sparse.csr_matrix, fixed: Float32, out: Float32) -> None:
        """Solves every row's vector from the fixed vectors of the other side; in place."""
        from models.retrieval.least_squares import solve_rows

        sums = np.asarray(rows.sum(axis=1), dtype=np.float64).ravel()
        indptr, indices = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
        solve_rows(indptr, indices, rows.data, fixed, self._all(fixed), self._ridge(sums, len(fixed)), out)

    def _all(self, vectors: Float32) -> Float64:
        """(n, n) α Σ v vᵀ over all vectors of size n: the penalty of every row's unobserved entries."""
        wide = vectors.astype(np.float64)
        gram: Float64 = self.alpha_ * (wide.T @ wide)
        return gram

    def _ridge(self, sums: Float64, n: int) -> Float64:
        """λ (sum of the row's weights + α n)^ν, with n the length of a whole row."""
        ridge: Float64 = self.params.regularization * (sums + self.alpha_ * n) ** self.params.frequency_scaling
        return ridge

    def _further(self) -> dict[str, Float64]:
        return {"alpha": np.array([self.alpha_])}

    def _learn(self, items: Float32, **further: Float64) -> None:
        super()._learn(items)
        self.alpha_ = float(further["alpha"][0])
        learned = items[items.any(axis=1)]
        self._n_items = len(learned)
        with one_thread():
            self._gram = self._all(learned)

    def _system(self, vectors: Float64, weights: Float64) -> Any:
        """The Cholesky factor of a history's normal equations."""
        ridge = self._ridge(weights.sum(keepdims=True), self._n_items)
        matrix = self._gram + (vectors * weights[:, None]).T @ vectors
        matrix[np.diag_indices_from(matrix)] += ridge
        return cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

    def _folds(self, vectors: Float64, weights: Float64) -> Float64:
        """Without one or two items, from the system of the whole history: their rows of the normal equations are taken
        out of its inverse (Sherman & Morrison 1950, doi:10.1214/aoms/1177729893), and the ridge, which falls a little
        with them, is corrected for by iteration. Other versions are solved one by one."""
        whole, ridge = weights[0], self._ridge(weights.sum(axis=1), self._n_items)
        less, removed = ridge[0] - ridge, whole - weights
        few = ((removed == 0) | (weights == 0)).all(axis=1) & weights.any(axis=1)
        few &= ((removed != 0).sum(axis=1) <= 2) & (less <= SLIGHT * ridge)
        users = np.empty((len(weights), vectors.shape[1]))
        if not few.all():
            users[~few] = super()._folds(vectors, weights[~few])
        if few.any():
            users[few] = self._without_few(vectors, whole, removed[few], less[few, None])
        return users

    def _without_few(self, vectors: Float64, whole: Float64, removed: Float64, less: Float64) -> Float64:
        """(n_rows, size) users' vectors; removed: (n_rows, n_history) weights to take off, at most two a row; less:
        (n_rows, 1) how much smaller the ridge is then."""
        system = self._system(vectors, whole)
        two = np.argsort(-removed, axis=1, kind="stable")[:, :2]
        size = np.take_along_axis(removed, two, axis=1)
        first, second = vectors[two[:, 0]], vectors[two[:, -1]]
        w1, w2 = size[:, :1], (size[:, 1:] if size.shape[1] > 1 else np.zeros_like(size))

        def dot(one: Float64, other: Float64) -> Float64:
            product: Float64 = (one * other).sum(axis=1, keepdims=True)
            return product

        def inverse(targets: Float64) -> Float64:
            solved: Float64 = cho_solve(system, targets.T, check_finite=False).T
            return solved

        x1 = inverse(first)
        per1 = w1 / (1.0 - w1 * dot(first, x1))
        x2 = inverse(second)
        x2 += x1 * (per1 * dot(first, x2))
        per2 = w2 / (1.0 - w2 * dot(second, x2))

        def solve(targets: Float64) -> Float64:
            solved = inverse(targets)
            solved += x1 * (per1 * dot(first, solved))
            solved += x2 * (per2 * dot(second, solved))
            return solved

        step = users = solve((whole - removed) @ vectors)
        for _ in range(CORRECTIONS):
            step = less * solve(step)
            users = users + step
        return users

    def _fold(self, vectors: Float64, weights: Float64) -> Float64:
        solved: Float64 = cho_solve(self._system(vectors, weights), vectors.T @ weights, check_finite=False)
        return solved
