"""Tails: what follows a kept prefix, in one or several versions of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from features.arrays import Float32
from models.online.sequential.network_weights import NetworkWeights
from models.online.sequential.prefix import Prefix
from models.online.sequential.tail_states import tail_states
from models.online.sequential.window import Window


@dataclass(frozen=True)
class Tails:
    """states: (n_windows, size) after the last event of each; keys: (layers, heads, width, n_rows) and values: (layers,
    heads, n_rows, width) of all computed events, the windows' one after the other."""

    states: Float32
    keys: Float32
    values: Float32

    @classmethod
    def of(cls, weights: NetworkWeights, prefix: Prefix, windows: Sequence[Window], n_shared: Sequence[int]) -> Tails:
        """n_shared: how many first events of each window are those of the prefix; its others are computed."""
        lengths = [len(window.items) - shared for window, shared in zip(windows, n_shared, strict=True)]
        inputs = [window.inputs(weights, shared) for window, shared in zip(windows, n_shared, strict=True)]
        heads, width, n_rows = weights.heads, weights.size // weights.heads, sum(lengths)
        keys = np.empty((weights.layers, heads, width, n_rows), dtype=np.float32)
        values = np.empty((weights.layers, heads, n_rows, width), dtype=np.float32)
        states: Float32 = tail_states(
            inputs[0] if len(inputs) == 1 else np.concatenate(inputs),
            np.array([0, *accumulate(lengths)], dtype=np.int64),
            np.array(n_shared, dtype=np.int64),
            prefix.keys,
            prefix.values,
            keys,
            values,
            weights.attend,
            weights.merge,
            weights.widen,
            weights.narrow,
            weights.gain,
            weights.distances,
        )
        return cls(states, keys, values)
