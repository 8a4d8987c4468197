"""Screened search: exact, and most vectors are only looked at in a byte a dimension.

A large array of vectors is read from memory at every query, and that is what a product with all of them costs. Rounded
to a byte a dimension they are a quarter of it, and the length of what was rounded off says how far a rounded product
may be from the exact one: whoever cannot be among the best by that needs no exact product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Bool, Float32, Int32
from models.online.kernel_cache import kernel
from models.online.topk_kernels import in_order, may_enter, offer, top_of_dense

LEAST_BYTES = 2 << 20  # of the vectors: fewer stay in the processor's cache,
MOST_BYTES = 16 << 20  # and more take a while to prepare
GREATEST = 127
ROUNDING = 1e-4  # of a product of lengths, at most, in sums in single precision over a thousand dimensions

Codes = npt.NDArray[np.int8]
_any_order = {"reassoc", "contract", "nsz"}


@dataclass(frozen=True, kw_only=True)
class ScreenedSearch:
    """codes: (n_items, size); scales: (n_items,) of a code's unit; slacks: (n_items,) how far a rounded product with a
    vector of length 1 may be from the exact one."""

    vectors: Float32
    learned: Bool
    codes: Codes
    scales: Float32
    slacks: Float32

    @classmethod
    def of(cls, vectors: Float32, learned: Bool) -> ScreenedSearch:
        scales = np.abs(vectors).max(axis=1).astype(np.float32) / np.float32(GREATEST)
        units = np.where(scales > 0, scales, np.float32(1.0))[:, None]
        codes = np.rint(vectors / units).astype(np.int8)
        slacks = np.linalg.norm(vectors - codes * units, axis=1) + ROUNDING * np.linalg.norm(vectors, axis=1)
        return cls(
            vectors=np.ascontiguousarray(vectors),
            learned=learned,
            codes=codes,
            scales=scales,
            slacks=slacks.astype(np.float32),
        )

    def top(self, vector: Float32, blocked: Bool, items: Int32, scores: Float32) -> int:
        length = np.float32(np.linalg.norm(vector))
        if not np.isfinite(length):
            return int(top_of_dense(self.vectors @ vector, self.learned, blocked, items, scores))
        arrays = self.vectors, self.learned, self.codes, self.scales, self.slacks
        return int(_top(*arrays, vector, length, blocked, np.empty_like(scores), items, scores))


def is_worth_it(vectors: Float32) -> bool:
    """Whether vectors are so large that their copy in bytes is faster, and so small that it may be made."""
    return vectors.ndim == 2 and LEAST_BYTES <= vectors.nbytes <= MOST_BYTES and bool(np.isfinite(vectors).all())


@kernel("void(int8[:, ::1], float32[::1], float32[::1], float32[::1])", fastmath=_any_order)
def _rounded(codes: Codes, scales: Float32, vector: Float32, products: Float32) -> None:
    """The products of the rounded vectors, of all."""
    for item in range(len(codes)):
        total = np.float32(0.0)
        for axis in range(len(vector)):
            total += np.float32(codes[item, axis]) * vector[axis]
        products[item] = total * scales[item]


@kernel("float32(float32[:, ::1], int64, float32[::1])", fastmath=_any_order)
def _exact(vectors: Float32, item: int, vector: Float32) -> float | np.float32:
    total = np.float32(0.0)
    for axis in range(len(vector)):
        total += vectors[item, axis] * vector[axis]
    return total


@kernel(
    "int64(float32[:, ::1], boolean[::1], int8[:, ::1], float32[::1], float32[::1], float32[::1], float32, "
    "boolean[::1], float32[::1], int32[::1], float32[::1])"
)
def _top(
    vectors: Float32,
    learned: Bool,
    codes: Codes,
    scales: Float32,
    slacks: Float32,
    vector: Float32,
    length: float | np.float32,
    blocked: Bool,
    least: Float32,
    out_items: Int32,
    out_scores: Float32,
) -> int:
    """As `top_of_dense` of vectors · vector; length: of `vector`; least: (k,) scratch, for the least that the k best
    products may be, by what is known of them."""
    n, k = 0, len(out_items)
    if not k:
        return 0
    rounded = np.empty(len(learned), dtype=np.float32)
    _rounded(codes, scales, vector, rounded)
    for item in range(len(learned)):
        lower = rounded[item] - slacks[item] * length
        if may_enter(least, n, lower) and learned[item] and not blocked[item]:
            n = offer(out_items, least, n, np.int32(item), lower)
    enough = least[0] if n == k else np.float32(-np.inf)
    n = 0
    for item in range(len(learned)):
        if rounded[item] + slacks[item] * length >= enough and learned[item] and not blocked[item]:
            score = _exact(vectors, item, vector)
            if score > -np.inf:
                n = offer(out_items, out_scores, n, np.int32(item), score)
    in_order(out_items, out_scores, n)
    return n
