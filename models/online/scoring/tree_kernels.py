"""Compiled kernels (numba) for the rows of one query: fused ranks, and the sums of boosted trees.

The sums are LightGBM's and the ranker's own, to the bit.
"""

from __future__ import annotations

import numpy as np
from numba import types  # type: ignore[import-untyped, unused-ignore]
from numba.cpython.unsafe.numbers import trailing_zeros  # type: ignore[import-untyped, unused-ignore]

from features.arrays import Float32, Float64, Int32
from models.online.kernel_cache import kernel
from models.online.scoring.signatures import DOUBLES, FLOATS, FLOATS_2D, INTS, INTS_2D, MASKS_16, MASKS_64
from models.online.scoring.tree_arrays import Masks

TILE = 256  # rows at a time, so that their columns stay in the processor's cache
TINY = np.float32(1e-35)  # LightGBM takes smaller magnitudes for 0 (kZeroThreshold in include/LightGBM/meta.h)
INFINITY, NAN = np.float32(np.inf), np.float32(np.nan)


_NODES = (FLOATS_2D, INTS, INTS, INTS, INTS, INTS, INTS, FLOATS)


@kernel(types.float32[::1](FLOATS_2D, INTS, DOUBLES, types.float64, types.float64))
def fused_ranks(features: Float32, columns: Int32, weights: Float64, constant: float, scale: float) -> Float32:
    """(n_rows,) as models.rankers.fusion.fused; scale: what the sums are divided by."""
    n_rows = features.shape[0]
    scores = np.empty(n_rows, dtype=np.float32)
    for row in range(n_rows):
        total = 0.0
        for position in range(len(columns)):
            inverse = np.float64(features[row, columns[position]])
            total += weights[position] * inverse / (1.0 + constant * inverse)
        scores[row] = total / scale
    return scores


@kernel(
    types.void(
        FLOATS_2D,
        types.int64,
        types.int64,
        INTS,
        INTS,
        types.float32[:, ::1],
        types.float32[::1],
        types.float32[::1],
    )
)
def _filled(
    features: Float32,
    start: int,
    n_rows: int,
    column_features: Int32,
    column_fills: Int32,
    values: Float32,
    least: Float32,
    greatest: Float32,
) -> None:
    """Writes the columns of some rows to `values` (n_columns, TILE), and the range of each: without NaN the least,
    NaN where there is one the greatest."""
    for column in range(len(column_features)):
        feature, fill = column_features[column], column_fills[column]
        missing = np.float32(0.0)
        if fill > 0:
            missing = -INFINITY if fill % 2 == 1 else NAN
        zero = missing if fill > 2 else np.float32(0.0)
        low, high, complete = INFINITY, -INFINITY, True
        for row in range(n_rows):
            value = features[start + row, feature]
            value = zero if abs(value) <= TINY else value
            value = missing if value != value else value
            values[column, row] = value
            low = value if value < low else low
            high = value if value > high else high
            complete &= value == value
        least[column], greatest[column] = low, high if complete else NAN


@kernel(
    [
        types.float64[::1](*_NODES, MASKS_16, DOUBLES),
        types.float64[::1](*_NODES, MASKS_64, DOUBLES),
    ]
)
def masked_sums(
    features: Float32,
    column_features: Int32,
    column_fills: Int32,
    model_starts: Int32,
    node_starts: Int32,
    leaf_starts: Int32,
    node_columns: Int32,
    node_thresholds: Float32,
    node_masks: Masks,
    leaf_values: Float64,
) -> Float64:
    """(n_rows,) sums over the models of the sum of their trees: each node strikes out the leaves that rows which go
    right cannot reach; the leftmost that is left is the leaf. A node that sends all rows of a tile to one side is
    seen from the range of its column."""
    n_rows, n_columns = features.shape[0], len(column_features)
    sums = np.zeros(n_rows, dtype=np.float64)
    values = np.empty((n_columns, TILE), dtype=np.float32)
    least, greatest = np.empty(n_columns, dtype=np.float32), np.empty(n_columns, dtype=np.float32)
    reachable = np.empty(TILE, dtype=node_masks.dtype)
    of_model = np.empty(TILE, dtype=np.float64)
    every = node_masks.dtype.type(0xFFFF_FFFF_FFFF_FFFF)
    for start in range(0, n_rows, TILE):
        n_tile = min(TILE, n_rows - start)
        _filled(features, start, n_tile, column_features, column_fills, values, least, greatest)
        for model in range(len(model_starts) - 1):
            of_model[:] = 0.0
            for tree in range(model_starts[model], model_starts[model + 1]):
                common = every
                reachable[:] = every
                for node in range(node_starts[tree], node_starts[tree + 1]):
                    column, threshold, mask = node_columns[node], node_thresholds[node], node_masks[node]
                    if greatest[column] <= threshold:
                        continue
                    if not least[column] <= threshold:
                        common &= mask
                        continue
                    for row in range(n_tile):
                        reachable[row] &= every if values[column, row] <= threshold else mask
                first_leaf = leaf_starts[tree]
                for row in range(n_tile):
                    leaf: int = trailing_zeros(reachable[row] & common)  # type: ignore[call-arg, unused-ignore]
                    of_model[row] += leaf_values[first_leaf + leaf]
            for row in range(n_tile):
                sums[start + row] += of_model[row]
    return sums


@kernel(types.float64[::1](*_NODES, INTS_2D, DOUBLES))
def walked_sums(
    features: Float32,
    column_features: Int32,
    column_fills: Int32,
    model_starts: Int32,
    node_starts: Int32,
    leaf_starts: Int32,
    node_columns: Int32,
    node_thresholds: Float32,
    node_children: Int32,
    leaf_values: Float64,
) -> Float64:
    """As `masked_sums`, for trees of any size, from node to node."""
    n_rows, n_columns = features.shape[0], len(column_features)
    sums = np.zeros(n_rows, dtype=np.float64)
    values = np.empty((n_columns, TILE), dtype=np.float32)
    least, greatest = np.empty(n_columns, dtype=np.float32), np.empty(n_columns, dtype=np.float32)
    for start in range(0, n_rows, TILE):
        n_tile = min(TILE, n_rows - start)
        _filled(features, start, n_tile, column_features, column_fills, values, least, greatest)
        for model in range(len(model_starts) - 1):
            for row in range(n_tile):
                of_model = 0.0
                for tree in range(model_starts[model], model_starts[model + 1]):
                    first_node, node = node_starts[tree], 0
                    if first_node == node_starts[tree + 1]:
                        node = -1
                    while node >= 0:
                        place = first_node + node
                        left = values[node_columns[place], row] <= node_thresholds[place]
                        node = node_children[place, 0 if left else 1]
                    of_model += leaf_values[leaf_starts[tree] + ~node]
                sums[start + row] += of_model
    return sums
