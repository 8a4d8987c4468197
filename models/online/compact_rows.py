"""Sparse rows in as little memory as they need: what a sum over a history costs is reading them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Int32, Int64
from models.single_query.query_plans import SparseRows

MOST_ENTRIES = 4 << 20  # whose copy is worth its memory, which processes do not share

Indices = Int32 | npt.NDArray[np.uint16]
Compact = tuple[Int64, Indices, Float32]


def compact(rows: SparseRows, n_columns: int) -> Compact:
    """indptr (n_rows + 1,), indices (n_entries,) in two bytes where these do, and data (n_entries,), or (1,) where all
    entries are alike."""
    narrow = n_columns <= np.iinfo(np.uint16).max + 1 and len(rows.indices) <= MOST_ENTRIES
    indices: Indices = rows.indices.astype(np.uint16) if narrow else rows.indices
    is_alike = len(rows.data) > 0 and bool((rows.data == rows.data[0]).all())
    return rows.indptr, indices, rows.data[:1].copy() if is_alike else rows.data
