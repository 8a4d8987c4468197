"""The learned map from item texts to choices: a closed form, with collaborative smoothing on one side and kernel ridge
regression on the other.

With H the histories over the taught items, D = diag(n_users^-1/4), C = D HᵀH D and K a kernel between item vectors, the
weight of each item of a history for each new item is

    (C + λI)⁻¹ C · D · (K + κI)⁻¹ K_new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from features.arrays import Float32, Float64, Int64
from models.compute.threads import one_thread
from models.retrieval.text_to_collaborative.landmarks import LowRank

MOST_TRIES = 10  # each with four times the noise of the one before


class MapSettings(BaseModel):
    """What a fit of the map has chosen (pseudo_new_items.py)."""

    model_config = ConfigDict(extra="forbid")

    weights: dict[str, float]
    """Share of each encoder's kernel."""
    power: Literal[1, 2] = 2
    """Of the cosine: 1 keeps its sign, with 2 what points elsewhere counts as unlike."""
    kappa: float = 0.3
    """Noise of the text side."""
    smoothing: float = 60.0
    """λ of the collaborative side."""
    demand: float = 0.3
    """Weight of the demand that the vectors let expect."""
    text: float = 0.0
    """Weight of the kernel itself, beside the map."""


def kernel(rows: Mapping[str, Float32], columns: Mapping[str, Float32], settings: MapSettings) -> Float32:
    """(n_rows, n_columns) the weighted sum of the encoders' kernels; both sides hold unit or zero rows by encoder."""
    used = [name for name, weight in settings.weights.items() if weight]
    with one_thread():
        return combined({name: rows[name] @ columns[name].T for name in used}, settings)


def combined(cosines: Mapping[str, Float32], settings: MapSettings) -> Float32:
    """The weighted sum of powers of cosines by encoder, all of one shape."""
    total: Float32 = np.zeros_like(next(iter(cosines.values())))
    for name, weight in sorted(settings.weights.items()):
        if weight:
            bounded = cosines[name] if settings.power == 1 else np.maximum(cosines[name], 0)
            total += np.float32(weight) * (np.square(bounded) if settings.power == 2 else bounded)
    return total


def co_choices(matrix: sparse.csr_matrix) -> Float32:
    """(n_items, n_items) HᵀH of a matrix (n_users, n_items)."""
    together: Float32 = (matrix.T @ matrix).toarray().astype(np.float32)
    return together


def damping(n_users: Int64) -> Float32:
    """(n_items,) the diagonal of D; 0 where nobody chose the item."""
    counts = n_users.astype(np.float64)
    scales: Float32 = np.power(counts, -0.25, out=np.zeros_like(counts), where=counts > 0).astype(np.float32)
    return scales


@dataclass(frozen=True)
class TasteSide:
    """(C + λI)⁻¹ C D, by the factor of C + λI: lower triangular (n_taught, n_taught), or of low rank; scales:
    (n_taught,) D."""

    factor: Float32 | LowRank
    scales: Float32
    smoothing: float

    @classmethod
    def of(cls, together: Float32, n_users: Int64, smoothing: float) -> TasteSide:
        """together: `co_choices` of the taught items."""
        scales = damping(n_users)
        matrix = together * scales[:, None] * scales[None, :]
        matrix[np.diag_indices_from(matrix)] += np.float32(smoothing)
        return cls(lower_factor(matrix), scales, smoothing)

    @classmethod
    def by_landmarks(cls, matrix: sparse.csr_matrix, n_users: Int64, smoothing: float, landmarks: Int64) -> TasteSide:
        """matrix: (n_users, n_taught) ones; landmarks: positions of taught items."""
        scales = damping(n_users)
        together = (matrix.T @ matrix[:, landmarks]).toarray().astype(np.float32)
        return cls(LowRank.of(together * scales[:, None] * scales[landmarks], landmarks, smoothing), scales, smoothing)

    def smoothed(self, columns: Float32) -> Float32:
        """(n_taught, n) the product with columns; (C + λI)⁻¹ C is I - λ (C + λI)⁻¹."""
        scaled = self.scales[:, None] * columns
        return scaled - np.float32(self.smoothing) * solved(self.factor, scaled)

    def transposed(self, vector: Float32) -> Float32:
        """(n_taught,) the product of a row with the matrix."""
        return self.scales * (vector - np.float32(self.smoothing) * solved(self.factor, vector))


def lower_factor(matrix: Float32) -> Float32:
    """Cholesky factor of a symmetric positive definite matrix, which is overwritten."""
    with one_thread():
        factor: Float32 = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)[0]
    return factor


def solved(factor: Float32 | LowRank, right: Float32) -> Float32:
    """The solution of the system with a factor's matrix."""
    if isinstance(factor, LowRank):
        return factor.solved(right)
    with one_thread():
        solution: Float32 = cho_solve((factor, True), right, check_finite=False)
    return solution


def text_factor(between: Float32, kappa: float) -> Float32:
    """The factor of K + κI; between: the kernel of the taught items with each other.

    Squares of cosines without their negative half need not be positive definite where vectors have few dimensions: κ
    is then taken four times as large until the sum is.
    """
    for noise in kappa * 4.0 ** np.arange(MOST_TRIES):
        matrix = between.copy()
        matrix[np.diag_indices_from(matrix)] += np.float32(noise)
        try:
            return lower_factor(matrix)
        except LinAlgError:
            continue
    raise ValueError(f"the kernel of {len(between)} items has no factor, even with noise {noise:g}")


def demand_slopes(factor: Float32 | LowRank, n_users: Int64) -> Float32:
    """(n_taught,) their product with an item's kernel is its expected log(1 + users), less the mean.

    factor: of K + κI.
    """
    demand = np.log1p(n_users.astype(np.float64))
    return solved(factor, (demand - demand.mean()).astype(np.float32))


def packed(factor: Float32) -> Float32:
    """The lower triangle of a factor, row by row."""
    return factor[np.tril_indices(len(factor))]


def unpacked(triangle: Float32) -> Float32:
    """The factor of which `packed` made this."""
    n = int((np.sqrt(8.0 * len(triangle) + 1) - 1) / 2)
    factor = np.zeros((n, n), dtype=np.float32)
    factor[np.tril_indices(n)] = triangle
    return factor


def standardized_rows(values: Float32) -> Float32:
    """(n_rows, n) each row with mean 0 and standard deviation 1; zeros if all its values are equal."""
    wide: Float64 = values.astype(np.float64)
    if not wide.size:
        return values
    wide -= wide.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(wide**2, axis=1, keepdims=True))
    flat = spread <= 1e-9 * np.abs(values).max(axis=1, keepdims=True)
    scaled: Float32 = np.divide(wide, spread, out=np.zeros_like(wide), where=~flat).astype(np.float32)
    return scaled
