"""Implicit feedback: which items were rated, as a low-rank embedding of users and items."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from features.arrays import Float64
from models.data.types import Ratings


def rated_matrix(ratings: Ratings, n_items: int) -> sparse.csr_matrix:
    """(n_users, n_items) 1 where the user rated the item, however often."""
    shape = (ratings.n_users, n_items)
    counts = sparse.csr_matrix((np.ones(len(ratings)), (ratings.users, ratings.items)), shape=shape)
    counts.data[:] = 1.0
    return counts


def implicit_columns(rated: sparse.csr_matrix, rank: int, seed: int) -> Float64:
    """(n_rows, at most rank) orthogonal columns with mean 0: the main directions of the rows of `rated`, each divided
    by the root of its sum (as SVD++ does, Koren 2008, doi:10.1145/1401890.1401944); rows without entries are 0 before
    centring. Randomized (Halko et al. 2011, doi:10.1137/090771806), deterministic by its seed.
    """
    sums = np.asarray(rated.sum(axis=1)).ravel()
    scaled = sparse.diags(1.0 / np.sqrt(np.maximum(sums, 1.0))) @ rated
    rank = min(rank, min(scaled.shape) - 1)
    if rank < 1:
        return np.zeros((scaled.shape[0], 0))
    rng = np.random.default_rng(seed)
    basis = scaled @ rng.standard_normal((scaled.shape[1], min(rank + 10, min(scaled.shape))))
    for _ in range(3):
        basis = np.linalg.qr(scaled @ (scaled.T @ np.linalg.qr(basis)[0]))[0]
    _, values, rows = np.linalg.svd((scaled.T @ basis).T, full_matrices=False)
    columns = scaled @ rows[:rank].T
    columns -= columns.mean(axis=0)
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    orthogonal: Float64 = left * values
    return orthogonal
