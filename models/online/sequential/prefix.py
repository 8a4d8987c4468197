"""Prefix: the keys and values of a history's events, which later events do not change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Int32, Int64
from models.online.sequential.network_weights import NetworkWeights
from models.transformer.shape import EPSILON

SMALLEST = 32  # events that a new prefix has room for
BLOCK = 64  # positions that attend at once: they also look at the keys of their own block that come later, in vain


@dataclass(kw_only=True)
class Prefix:
    """The attention cache of the first events of a history; only whoever took it out of the cache changes it.

    n_events: filled; items, gaps: (capacity,) what the events are; keys: (layers, heads, width, capacity);
    values: (layers, heads, capacity, width); width: size / heads. All is undefined from `n_events` on.
    """

    n_events: int
    items: Int32
    gaps: Int64
    keys: Float32
    values: Float32

    @property
    def n_bytes(self) -> int:
        """Memory of its arrays."""
        return self.items.nbytes + self.gaps.nbytes + self.keys.nbytes + self.values.nbytes

    @classmethod
    def empty(cls, weights: NetworkWeights, capacity: int) -> Prefix:
        heads, width = weights.heads, weights.size // weights.heads
        return cls(
            n_events=0,
            items=np.zeros(capacity, dtype=np.int32),
            gaps=np.zeros(capacity, dtype=np.int64),
            keys=np.zeros((weights.layers, heads, width, capacity), dtype=np.float32),
            values=np.zeros((weights.layers, heads, capacity, width), dtype=np.float32),
        )

    def with_room(self, weights: NetworkWeights, n_events: int) -> Prefix:
        """Itself, or a copy with room for so many events."""
        if n_events <= len(self.items):
            return self
        grown = Prefix.empty(weights, min(max(SMALLEST, n_events + n_events // 8), weights.length))
        n = self.n_events
        grown.n_events = n
        grown.items[:n], grown.gaps[:n] = self.items[:n], self.gaps[:n]
        grown.keys[..., :n], grown.values[:, :, :n] = self.keys[..., :n], self.values[:, :, :n]
        return grown

    def extend(self, weights: NetworkWeights, items: Int32, gaps: Int64) -> None:
        """Appends events; there is room for them. gaps: (n_new,) buckets of the time until each one's next event."""
        start, stop = self.n_events, self.n_events + len(items)
        state = weights.items[items] * np.float32(weights.size**0.5) + weights.gaps[gaps]
        for layer in range(weights.layers):
            parts: Float32 = _standardized(state) @ weights.attend[layer]
            split = parts.reshape(len(items), 3, weights.heads, -1)
            self.keys[layer, :, :, start:stop] = split[:, 1].transpose(1, 2, 0)
            self.values[layer, :, start:stop] = split[:, 2].transpose(1, 0, 2)
            if layer < weights.layers - 1:
                state = self._attended(weights, state, split[:, 0].transpose(1, 0, 2), layer)
        self.items[start:stop], self.gaps[start:stop] = items, gaps
        self.n_events = stop

    def append(self, items: Int32, gaps: Int64, keys: Float32, values: Float32) -> None:
        """Appends events whose keys and values are known; there is room for them."""
        start, stop = self.n_events, self.n_events + len(items)
        self.items[start:stop], self.gaps[start:stop] = items, gaps
        self.keys[..., start:stop], self.values[:, :, start:stop] = keys, values
        self.n_events = stop

    def _attended(self, weights: NetworkWeights, state: Float32, query: Float32, layer: int) -> Float32:
        """The states of new positions after a layer whose keys and values are filled in for them.

        state: (n_new, size); query: (heads, n_new, width).
        """
        heads, size, start = weights.heads, weights.size, self.n_events
        merged = np.empty((len(state), heads, size // heads), dtype=np.float32)
        for first in range(0, len(state), BLOCK):
            last = min(first + BLOCK, len(state))
            n_keys = start + last
            logits = query[:, first:last] @ self.keys[layer, :, :, :n_keys]
            logits += _bias(weights.biases[layer], start + first, last - first, n_keys)
            np.exp(logits - logits.max(axis=2, keepdims=True), out=logits)
            part = logits @ self.values[layer, :, :n_keys]
            part /= logits.sum(axis=2, keepdims=True)
            merged[first:last] = part.transpose(1, 0, 2)
        state = state + merged.reshape(len(state), size) @ weights.merge[layer]
        wide = _standardized(state) @ weights.widen[layer]
        np.maximum(wide, 0, out=wide)
        after: Float32 = state + wide @ weights.narrow[layer]
        return after


def _standardized(state: Float32) -> Float32:
    """Rows divided by their root mean square."""
    squares = np.einsum("ns,ns->n", state, state) / np.float32(state.shape[1])
    scaled: Float32 = state / np.sqrt(squares + np.float32(EPSILON))[:, None]
    return scaled


def _bias(biases: Float32, start: int, n: int, n_keys: int) -> Float32:
    """(heads, n, n_keys) biases at positions start … start + n - 1, a view; biases: (heads, 2 length) of a layer."""
    heads, twice = biases.shape
    by_head, step = biases.strides
    return np.ndarray((heads, n, n_keys), np.float32, biases, (twice // 2 - 1 - start) * step, (by_head, -step, step))
