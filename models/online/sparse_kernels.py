"""Compiled sums of sparse rows over one history, in the batch form's order of additions (scipy's csr · csr)."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Float32, Float64, Int32, Int64
from models.online.compact_rows import Indices
from models.online.kernel_cache import kernel
from models.online.topk_kernels import in_order, may_enter, offer

SMALL = 1 << 15  # columns: of so few all sums are looked at, and nobody notes which of them were reached
_widths = [f"int64[::1], {indices}[::1], float32[::1]" for indices in ("int32", "uint16")]


@kernel([f"void({rows}, int32[::1], float32[::1], float32[::1])" for rows in _widths])
def _add_all(indptr: Int64, indices: Indices, data: Float32, rows: Int32, weights: Float32, sums: Float32) -> None:
    """Adds weighted rows to `sums` (n_columns,); data: (n_entries,), or (1,) where all entries are alike."""
    for place in range(len(rows)):
        weight, first, last = weights[place], indptr[rows[place]], indptr[rows[place] + 1]
        if len(data) == 1:
            step = weight * data[0]
            for entry in range(first, last):
                sums[indices[entry]] += step
        else:
            for entry in range(first, last):
                sums[indices[entry]] += weight * data[entry]


@kernel([f"int64({rows}, int32[::1], float32[::1], float32[::1], boolean[::1], int32[::1])" for rows in _widths])
def _add_reached(
    indptr: Int64,
    indices: Indices,
    data: Float32,
    rows: Int32,
    weights: Float32,
    sums: Float32,
    reached: Bool,
    touched: Int32,
) -> int:
    """As `_add_all`, to sums that are zero before; lists the reached columns and returns their number."""
    n_touched, is_alike = 0, len(data) == 1
    for place in range(len(rows)):
        weight = weights[place]
        for entry in range(indptr[rows[place]], indptr[rows[place] + 1]):
            column = indices[entry]
            if not reached[column]:
                reached[column] = True
                touched[n_touched] = column
                n_touched += 1
            sums[column] += weight * data[0 if is_alike else entry]
    return n_touched


@kernel(
    [
        f"int64({rows}, int32[::1], float32[::1], boolean[::1], float32[::1], boolean[::1], int32[::1], int32[::1], "
        "float32[::1])"
        for rows in _widths
    ]
)
def top_of_rows(
    indptr: Int64,
    indices: Indices,
    data: Float32,
    rows: Int32,
    weights: Float32,
    blocked: Bool,
    sums: Float32,
    reached: Bool,
    touched: Int32,
    out_items: Int32,
    out_scores: Float32,
) -> int:
    """The best items by profile · weights, not blocked; items whose sum is 0 are not reached. Returns their number.

    sums, reached: (n_items,) scratch, zero before and after; touched: (n_items,) scratch.
    """
    n, k = 0, len(out_items)
    if len(blocked) <= SMALL:
        _add_all(indptr, indices, data, rows, weights, sums)
        for item in range(len(blocked)):
            score = sums[item]
            if score != 0.0:
                sums[item] = np.float32(0.0)
                if k and score > -np.inf and may_enter(out_scores, n, score) and not blocked[item]:
                    n = offer(out_items, out_scores, n, np.int32(item), score)
        in_order(out_items, out_scores, n)
        return n
    n_touched = _add_reached(indptr, indices, data, rows, weights, sums, reached, touched)
    for place in range(n_touched):
        item = touched[place]
        score = sums[item]
        sums[item] = np.float32(0.0)
        reached[item] = False
        if k and score != 0.0 and score > -np.inf and may_enter(out_scores, n, score) and not blocked[item]:
            n = offer(out_items, out_scores, n, item, score)
    in_order(out_items, out_scores, n)
    return n


@kernel(
    [
        f"int64({rows}, int32[::1], float32[::1], float32[::1], float64[::1], float64, float64, float64, float64, "
        "float32[::1], boolean[::1], int32[::1], int32[::1], float32[::1])"
        for rows in _widths
    ]
)
def nearest_users(
    indptr: Int64,
    indices: Indices,
    data: Float32,
    rows: Int32,
    weights: Float32,
    means: Float32,
    powers: Float64,
    total: float,
    square: float,
    shrinkage: float,
    asymmetry: float,
    sums: Float32,
    reached: Bool,
    touched: Int32,
    out_users: Int32,
    out_alike: Float32,
) -> int:
    """The users most similar to a profile, best first, ties by ascending position; returns their number.

    indptr, indices, data: (n_items, n_users), see `_add_all`; powers: (n_users,) each one's share of the product of
    norms; total: Σ of the profile's weights, which means (0 for the cosine) are taken off by; square: its squared
    length.
    """
    is_small = len(powers) <= SMALL
    if is_small:
        _add_all(indptr, indices, data, rows, weights, sums)
        n_touched = len(powers)
    else:
        n_touched = _add_reached(indptr, indices, data, rows, weights, sums, reached, touched)
    profile_power = max(square, 0.0) ** asymmetry
    n, k = 0, len(out_users)
    for place in range(n_touched):
        user = np.int32(place) if is_small else touched[place]
        common = sums[user]
        sums[user] = np.float32(0.0)
        reached[user] = False
        if common == 0.0:
            continue
        product = np.float64(common) - total * means[user]
        length = profile_power * powers[user] + shrinkage
        alike = np.float32(product / length) if length > 0 else np.float32(0.0)
        if k and alike > 0 and may_enter(out_alike, n, alike):
            n = offer(out_users, out_alike, n, user, alike)
    in_order(out_users, out_alike, n)
    return n
