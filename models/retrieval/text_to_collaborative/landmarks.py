"""Landmarks: a positive semidefinite matrix by a few of its columns, where all of them would take too much memory.

The Nyström approximation A ≈ A_m A_mm⁺ A_mᵀ = F Fᵀ, with A_m the columns of the landmarks (Williams & Seeger, NIPS
2000). Negative eigenvalues, which the squared positive part of a cosine may have, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from features.arrays import Float32, Int64
from models.compute.threads import one_thread

LEAST_EIGENVALUE = 1e-5  # of the landmarks' own block, relative to its greatest


def landmarks_of(n_users: Int64, most_exact: int, n_landmarks: int) -> Int64 | None:
    """Positions of the taught items that stand for all, by how many users chose each; None where the map is exact."""
    return choose_landmarks(n_users, n_landmarks) if len(n_users) > most_exact else None


def choose_landmarks(n_users: Int64, n_landmarks: int) -> Int64:
    """Positions, ascending: half of them the most chosen items, half spread over the others in the order of demand."""
    by_demand = np.argsort(-n_users, kind="stable")
    head = by_demand[: n_landmarks // 2]
    rest = by_demand[n_landmarks // 2 :]
    spread = rest[np.linspace(0, len(rest) - 1, min(n_landmarks - len(head), len(rest))).astype(np.int64)]
    return np.sort(np.concatenate([head, spread]))


@dataclass(frozen=True)
class LowRank:
    """F Fᵀ + noise · I. features: (n, rank) F; factor: (rank, rank) Cholesky factor of FᵀF + noise · I, lower;
    landmarks: (m,) rows that F was made from."""

    features: Float32
    factor: Float32
    landmarks: Int64
    noise: float

    @classmethod
    def of(cls, columns: Float32, landmarks: Int64, noise: float) -> LowRank:
        """columns: (n, m) those of the landmarks."""
        with one_thread():
            core = columns[landmarks].astype(np.float64)
            values, vectors = np.linalg.eigh((core + core.T) / 2)
            kept = values > LEAST_EIGENVALUE * values[-1]
            features = columns @ (vectors[:, kept] * values[kept] ** -0.5).astype(np.float32)
            gram = (features.T @ features).astype(np.float64)
            gram[np.diag_indices_from(gram)] += noise
            factor = cho_factor(gram, lower=True, overwrite_a=True)[0].astype(np.float32)
        return cls(features, factor, landmarks, noise)

    def solved(self, right: Float32) -> Float32:
        """(F Fᵀ + noise · I)⁻¹ right, by the formula of Woodbury."""
        with one_thread():
            inner = cho_solve((self.factor, True), self.features.T @ right, check_finite=False)
            solution: Float32 = ((right - self.features @ inner) / np.float32(self.noise)).astype(np.float32)
        return solution

    def extended(self, columns: Float32) -> Float32:
        """(n, k) what F Fᵀ says of further columns, of which the landmarks' rows are read."""
        core = self.features[self.landmarks]
        inner = (core / np.square(core).sum(axis=0)).T @ columns[self.landmarks]
        further: Float32 = (self.features @ inner).astype(np.float32)
        return further

    def times(self, right: Float32) -> Float32:
        """F Fᵀ right."""
        product: Float32 = self.features @ (self.features.T @ right)
        return product
