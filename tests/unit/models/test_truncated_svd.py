"""Directions of users × items, against numpy's decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from models.retrieval.truncated_svd import truncated_svd
from tests.support.part_inputs import random_log


@pytest.mark.parametrize("spectral_power", [0.0, 0.5, 2.0])
def test_products_are_those_of_numpys_right_singular_vectors_weighted_by_their_power(spectral_power):
    matrix = random_log()[1]
    matrix[:, 4] = 0
    lengths = np.sqrt((matrix**2).sum(axis=0))
    damped = matrix / np.where(lengths > 0, lengths, 1) ** 0.3
    _, values, right = np.linalg.svd(damped, full_matrices=False)
    expected = right[:5].T @ np.diag((values[:5] / values[0]) ** spectral_power) @ right[:5]
    found = truncated_svd(sparse.csr_matrix(matrix), 5, 0.3, 1, spectral_power)
    assert found.shape == (12, 5)
    assert found @ found.T == pytest.approx(expected, abs=1e-5)
    assert not found[4].any()


def test_a_matrix_of_nothing_has_no_directions():
    assert not truncated_svd(sparse.csr_matrix((3, 4), dtype=np.float32), 2, 0.5, 1, 0.5).any()
    assert truncated_svd(sparse.csr_matrix((0, 4), dtype=np.float32), 2, 0.5, 1).shape == (4, 1)
