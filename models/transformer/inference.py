"""Answering: one history through the network in numpy, alone and with one thread, so that bits never vary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.arrays import Float32, Int64
from models.transformer.shape import EPSILON, Shape


def state_after(arrays: Mapping[str, Float32], found: Float32, gaps: Int64 | None, shape: Shape) -> Float32:
    """(size,) state after the last event; found: (n_events, size) its items' vectors, at least one, oldest first.

    gaps: (n_events,) buckets of the time until the next event, of the last until the query; None: unknown.
    The same arithmetic as `network.Network` without dropout, the last layer at the last place only.
    """
    n, size, heads = len(found), shape.size, shape.heads
    scale = np.float32((size / heads) ** -0.5)
    state = found * np.float32(size**0.5)
    if gaps is not None:
        state = state + arrays["gaps"][gaps]
    places = np.arange(n)
    for layer in range(shape.layers):
        first = n - 1 if layer == shape.layers - 1 else 0
        apart = places[first:, None] - places[None, :]
        bias = np.where(apart >= 0, arrays["distances"][layer][:, np.maximum(apart, 0)], np.float32(-np.inf))
        parts = _norm(state, arrays["norms"][2 * layer])
        own, weights = parts[first:], arrays["attend"][layer]
        query = (own @ weights[:, :size]).reshape(-1, heads, size // heads).transpose(1, 0, 2)
        both = (parts @ weights[:, size:]).reshape(n, 2, heads, size // heads).transpose(1, 2, 0, 3)
        logits = query @ both[0].transpose(0, 2, 1) * scale + bias
        shares = np.exp(logits - logits.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        merged = (shares @ both[1]).transpose(1, 0, 2).reshape(-1, size)
        state = state[first:] + merged @ arrays["merge"][layer]
        wide = np.maximum(_norm(state, arrays["norms"][2 * layer + 1]) @ arrays["widen"][layer], 0)
        state = state + wide @ arrays["narrow"][layer]
    last: Float32 = _norm(state[-1:], arrays["norms"][-1])[0]
    return last


def _norm(state: Float32, gain: Float32) -> Float32:
    squares = np.mean(state * state, axis=1, keepdims=True)
    found: Float32 = state / np.sqrt(squares + np.float32(EPSILON)) * gain
    return found
