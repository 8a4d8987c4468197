"""Tail states (numba): the network's last state of histories that share a kept prefix and differ in a few events."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.arrays import Float32, Int64
from models.online.kernel_cache import kernel
from models.transformer.shape import EPSILON

SMALL = np.float32(EPSILON)

_matrices = "float32[:, :, ::1], float32[:, :, ::1], float32[:, :, ::1], float32[:, :, ::1]"
_caches = "float32[:, :, :, ::1], float32[:, :, :, ::1], float32[:, :, :, ::1], float32[:, :, :, ::1]"


@kernel("float32(float32[::1])", fastmath={"contract"})
def _length(state: Float32) -> Any:
    """Root mean square."""
    total = np.float32(0)
    for axis in range(len(state)):
        total += state[axis] * state[axis]
    return np.sqrt(total / np.float32(len(state)) + SMALL)


@kernel("void(float32[::1], float32, float32[:, ::1], float32[::1])", fastmath={"contract"})
def _multiply(row: Float32, length: float, matrix: Float32, out: Float32) -> None:
    """out = row / length · matrix."""
    out[:] = 0
    for axis in range(len(row)):
        entry = row[axis] / length
        for column in range(len(out)):
            out[column] += entry * matrix[axis, column]


@kernel("void(float32[::1], float32[:, ::1], float32[::1])", fastmath={"contract"})
def _add_product(row: Float32, matrix: Float32, out: Float32) -> None:
    """out += row · matrix."""
    for axis in range(len(row)):
        entry = row[axis]
        for column in range(len(out)):
            out[column] += entry * matrix[axis, column]


@kernel(
    f"float32[:, ::1](float32[:, ::1], int64[::1], int64[::1], {_caches}, {_matrices}, float32[::1], "
    "float32[:, :, ::1])",
    fastmath={"contract"},
)
def tail_states(
    inputs: Float32,
    offsets: Int64,
    n_shared: Int64,
    keys: Float32,
    values: Float32,
    tail_keys: Float32,
    tail_values: Float32,
    attend: Float32,
    merge: Float32,
    widen: Float32,
    narrow: Float32,
    gain: Float32,
    distances: Float32,
) -> Any:
    """(n_tails, size) states after the last event of each tail; weights as in `NetworkWeights`.

    inputs: (n_rows, size) of the events, overwritten; tail t has the rows offsets[t]:offsets[t + 1], at least one, and
    follows the first n_shared[t] events of the prefix, whose keys and values are as in `Prefix` and only read.
    tail_keys: (layers, heads, width, n_rows), tail_values: (layers, heads, n_rows, width): filled in for all rows.
    """
    layers, heads, width, _ = keys.shape
    size, hidden = inputs.shape[1], widen.shape[2]
    parts, merged = np.empty(3 * size, dtype=np.float32), np.empty(size, dtype=np.float32)
    wide = np.empty(hidden, dtype=np.float32)
    shares = np.empty(distances.shape[2], dtype=np.float32)
    states = np.empty((len(n_shared), size), dtype=np.float32)
    for tail in range(len(n_shared)):
        start, stop, shared = offsets[tail], offsets[tail + 1], n_shared[tail]
        for row in range(start, stop):
            state = inputs[row]
            for layer in range(layers):
                _multiply(state, _length(state), attend[layer], parts)
                for head in range(heads):
                    for axis in range(width):
                        tail_keys[layer, head, axis, row] = parts[size + head * width + axis]
                        tail_values[layer, head, row, axis] = parts[2 * size + head * width + axis]
                if layer == layers - 1 and row < stop - 1:
                    break  # later events see its keys only
                own, n_keys = row - start + 1, shared + row - start + 1
                for head in range(heads):
                    first = head * width
                    for key in range(n_keys):
                        shares[key] = distances[layer, head, n_keys - 1 - key]
                    for axis in range(width):
                        query = parts[first + axis]
                        for key in range(shared):
                            shares[key] += query * keys[layer, head, axis, key]
                        for key in range(own):
                            shares[shared + key] += query * tail_keys[layer, head, axis, start + key]
                    greatest, total = shares[:n_keys].max(), np.float32(0)
                    for key in range(n_keys):
                        shares[key] = np.exp(shares[key] - greatest)
                        total += shares[key]
                    merged[first : first + width] = 0
                    for key in range(shared):
                        for axis in range(width):
                            merged[first + axis] += shares[key] * values[layer, head, key, axis]
                    for key in range(own):
                        for axis in range(width):
                            merged[first + axis] += shares[shared + key] * tail_values[layer, head, start + key, axis]
                    for axis in range(width):
                        merged[first + axis] /= total
                _add_product(merged, merge[layer], state)
                _multiply(state, _length(state), widen[layer], wide)
                for axis in range(hidden):
                    wide[axis] = max(wide[axis], np.float32(0))
                _add_product(wide, narrow[layer], state)
        last = inputs[stop - 1]
        length = _length(last)
        for axis in range(size):
            states[tail, axis] = last[axis] / length * gain[axis]
    return states
