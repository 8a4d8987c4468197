"""Truncated SVD: the leading right singular vectors of users × items, with columns damped by their norm."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from features.arrays import Float32
from models.compute.threads import one_thread


def truncated_svd(
    matrix: sparse.csr_matrix, n_components: int, damping: float, seed: int, spectral_power: float = 0.0
) -> Float32:
    """(n_items, at most n_components) float32 of a matrix (n_users, n_items); zero rows for empty columns.

    damping: each column is first divided by this power of its norm; seed: of the initial random projection;
    spectral_power: products of rows weight each component by this power of its singular value relative to the first
    (0: equal weights, as in PureSVD).
    """
    from sklearn.utils.extmath import randomized_svd

    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0), dtype=np.float64).ravel())
    damped = matrix @ sparse.diags(np.divide(1.0, lengths**damping, where=lengths > 0, out=lengths * 0))
    n_components = min(n_components, *matrix.shape)
    vectors = np.zeros((matrix.shape[1], max(n_components, 1)), dtype=np.float32)
    if matrix.nnz:
        with one_thread():
            _, values, right = randomized_svd(damped.tocsr(), n_components, random_state=seed)
        vectors[:] = (right * (values / values[0])[:, None] ** (spectral_power / 2)).T if spectral_power else right.T
        vectors[lengths == 0] = 0
    return vectors
