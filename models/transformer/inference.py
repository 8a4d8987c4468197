"""Inference: the network's forward pass in numpy, per history and on one thread, for reproducible results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from features.arrays import Float32, Int64
from models.transformer.shape import EPSILON, Shape


def states_after(
    arrays: Mapping[str, Float32],
    vectors: Float32,
    gaps: Int64 | None,
    shape: Shape,
    prefix: Sequence[Float32] | None = None,
) -> Float32:
    """(n_histories, size) states after the last event of histories of equal length.

    vectors: (n_histories, n_events, size) of the items, at least one event, oldest first; gaps: (n_histories, n_events)
    buckets of the time until the next event, or until the query for the last one; None: unknown; prefix: the `keys_of`
    the common prefix of all histories, which precedes `vectors`. The same computation as
    `network.Network` without dropout; the last layer runs at the last event only.
    """
    state, last = _entry(arrays, vectors, gaps, shape), shape.layers - 1
    for layer in range(shape.layers):
        first = vectors.shape[1] - 1 if layer == last else 0
        normed, keys = _keys(arrays, state, layer, shape)
        if prefix is not None:
            shared = np.broadcast_to(prefix[layer], (len(keys), *prefix[layer].shape[1:]))
            keys = np.concatenate([shared, keys], axis=3)
        state = _attended(arrays, state[:, first:], normed[:, first:], keys, layer, shape)
    return _norm(state[:, -1], arrays["norms"][-1])


def keys_of(arrays: Mapping[str, Float32], vectors: Float32, gaps: Int64 | None, shape: Shape) -> list[Float32]:
    """The attention cache of each layer: (1, 2, heads, n_events, size / heads) keys and values of a history.

    The network is causal, so they do not depend on later events and histories with a common prefix share them.
    """
    state, keys_by_layer = _entry(arrays, vectors[None], None if gaps is None else gaps[None], shape), []
    for layer in range(shape.layers):
        normed, keys = _keys(arrays, state, layer, shape)
        keys_by_layer.append(keys)
        if layer < shape.layers - 1:
            state = _attended(arrays, state, normed, keys, layer, shape)
    return keys_by_layer


def _entry(arrays: Mapping[str, Float32], vectors: Float32, gaps: Int64 | None, shape: Shape) -> Float32:
    state = vectors * np.float32(shape.size**0.5)
    return state if gaps is None else state + arrays["gaps"][gaps]


def _keys(arrays: Mapping[str, Float32], state: Float32, layer: int, shape: Shape) -> tuple[Float32, Float32]:
    """The layer's normalized input (n_histories, n, size); keys and values (n_histories, 2, heads, n, size / heads)."""
    normed = _norm(state, arrays["norms"][2 * layer])
    both = normed @ arrays["attend"][layer][:, shape.size :]
    split = both.reshape(*state.shape[:2], 2, shape.heads, shape.size // shape.heads)
    return normed, split.transpose(0, 2, 3, 1, 4)


def _attended(
    arrays: Mapping[str, Float32], state: Float32, normed: Float32, keys: Float32, layer: int, shape: Shape
) -> Float32:
    """State after a layer at the last events (n_histories, n, size), which attend to `keys`, earlier ones included."""
    width, n, n_keys = shape.size // shape.heads, state.shape[1], keys.shape[3]
    apart = np.arange(n_keys - n, n_keys)[:, None] - np.arange(n_keys)[None, :]
    bias = np.where(apart >= 0, arrays["distances"][layer][:, np.maximum(apart, 0)], np.float32(-np.inf))
    query = (normed @ arrays["attend"][layer][:, : shape.size]).reshape(len(state), n, shape.heads, width)
    logits = query.transpose(0, 2, 1, 3) @ keys[:, 0].transpose(0, 1, 3, 2) * np.float32(width**-0.5) + bias
    shares = np.exp(logits - logits.max(axis=3, keepdims=True))
    shares /= shares.sum(axis=3, keepdims=True)
    merged = (shares @ keys[:, 1]).transpose(0, 2, 1, 3).reshape(len(state), n, shape.size)
    state = state + merged @ arrays["merge"][layer]
    wide = np.maximum(_norm(state, arrays["norms"][2 * layer + 1]) @ arrays["widen"][layer], 0)
    after: Float32 = state + wide @ arrays["narrow"][layer]
    return after


def _norm(state: Float32, gain: Float32) -> Float32:
    squares = np.mean(state * state, axis=-1, keepdims=True)
    normed: Float32 = state / np.sqrt(squares + np.float32(EPSILON)) * gain
    return normed
