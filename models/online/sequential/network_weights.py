"""Network weights: the arrays of a `Sequential` plan, with gains and scales multiplied into the matrices once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32
from models.single_query.query_plans import Sequential


@dataclass(frozen=True, kw_only=True)
class NetworkWeights:
    """Contiguous float32 arrays of models/transformer/network.py, for rows that are divided by their length only.

    items: (n_items, size); offset: (n_items,) 0, or -inf for items that are not offered; gaps: (n_buckets, size);
    attend: (layers, size, 3 size) queries (scaled), keys, values; merge: (layers, size, size);
    widen: (layers, size, 4 size); narrow: (layers, 4 size, size); gain: (size,) of the final state;
    distances: (layers, heads, length) bias of a key by its distance in events;
    biases: (layers, heads, 2 length) the same reversed, then -inf: position p of a history takes its biases of the keys
    0, 1, … from `length - 1 - p` on.
    """

    items: Float32
    offset: Float32
    gaps: Float32
    attend: Float32
    merge: Float32
    widen: Float32
    narrow: Float32
    gain: Float32
    distances: Float32
    biases: Float32

    @property
    def size(self) -> int:
        """Dimensions of a state."""
        return int(self.items.shape[1])

    @property
    def layers(self) -> int:
        return int(self.distances.shape[0])

    @property
    def heads(self) -> int:
        return int(self.distances.shape[1])

    @property
    def length(self) -> int:
        """Newest events of a history that are used."""
        return int(self.distances.shape[2])

    @classmethod
    def of(cls, plan: Sequential) -> NetworkWeights:
        arrays = plan.arrays
        norms, distances = arrays["norms"], np.array(arrays["distances"])
        size, heads = arrays["items"].shape[1], distances.shape[1]
        attend = norms[0:-1:2, :, None] * arrays["attend"]
        attend[:, :, :size] *= np.float32((size // heads) ** -0.5)
        return cls(
            items=np.ascontiguousarray(arrays["items"]),
            offset=plan.offset,
            gaps=np.ascontiguousarray(arrays["gaps"]),
            attend=np.ascontiguousarray(attend),
            merge=np.array(arrays["merge"]),
            widen=np.ascontiguousarray(norms[1:-1:2, :, None] * arrays["widen"]),
            narrow=np.array(arrays["narrow"]),
            gain=norms[-1].copy(),
            distances=distances,
            biases=np.concatenate([distances[:, :, ::-1], np.full_like(distances, -np.inf)], axis=2),
        )
