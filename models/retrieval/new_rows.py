"""Rows of items that join a fitted part."""

from __future__ import annotations

import numpy as np

from features.arrays import Float32


def appended(rows: Float32, more: Float32) -> Float32:
    """(n_items + n_new, size); rows of another length than the part's become zero rows."""
    if more.shape[1] != rows.shape[1]:
        more = np.zeros((len(more), rows.shape[1]), dtype=np.float32)
    return np.concatenate([rows, more.astype(np.float32)])
