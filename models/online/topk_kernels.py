"""Compiled top-k: the best of a row of scores by a bounded heap, ties by ascending position, as `retrieval/topk.py`."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Float32, Int32
from models.online.kernel_cache import kernel

_dense = "int64(float32[::1], boolean[::1], boolean[::1], int32[::1], float32[::1])"
_subset = "int64(float32[::1], int32[::1], boolean[::1], int32[::1], float32[::1])"
_few = "int64(int32[::1], float32[::1], boolean[::1], int32[::1], float32[::1])"


@kernel("boolean(float32, int32, float32, int32)")
def _before(score: float | np.float32, item: int | np.int32, other_score: float, other_item: int) -> bool:
    """Whether an item comes before another in a list."""
    return bool(score > other_score or (score == other_score and item < other_item))


@kernel("void(int32[::1], float32[::1], int64, int64)")
def _sift(items: Int32, scores: Float32, start: int, n: int) -> None:
    """Restores the heap, whose root is the item that comes last, below a changed place."""
    parent = start
    item, score = items[parent], scores[parent]
    while True:
        child = 2 * parent + 1
        if child >= n:
            break
        if child + 1 < n and _before(scores[child], items[child], scores[child + 1], items[child + 1]):
            child += 1
        if not _before(score, item, scores[child], items[child]):
            break
        items[parent], scores[parent] = items[child], scores[child]
        parent = child
    items[parent], scores[parent] = item, score


@kernel("int64(int32[::1], float32[::1], int64, int32, float32)")
def offer(items: Int32, scores: Float32, n: int, item: int | np.int32, score: float | np.float32) -> int:
    """Puts an item into the heap of the best len(items), of which n are filled; returns how many are filled now."""
    k = len(items)
    if n < k:
        items[n], scores[n] = item, score
        n += 1
        if n == k:
            for place in range(k // 2 - 1, -1, -1):
                _sift(items, scores, place, k)
    elif _before(score, item, scores[0], items[0]):
        items[0], scores[0] = item, score
        _sift(items, scores, 0, k)
    return n


@kernel("boolean(float32[::1], int64, float32)")
def may_enter(scores: Float32, n: int, score: float | np.float32) -> bool:
    """Whether `offer` may take an item of a score; most may not, and this is quicker to say."""
    return bool(n < len(scores) or score >= scores[0])


@kernel("void(int32[::1], float32[::1], int64)")
def in_order(items: Int32, scores: Float32, n: int) -> None:
    """Sorts the n filled places, best first, in place."""
    if n < len(items):
        for place in range(n // 2 - 1, -1, -1):
            _sift(items, scores, place, n)
    for end in range(n - 1, 0, -1):
        items[0], items[end] = items[end], items[0]
        scores[0], scores[end] = scores[end], scores[0]
        _sift(items, scores, 0, end)


@kernel(_dense)
def top_of_dense(scores: Float32, learned: Bool, blocked: Bool, out_items: Int32, out_scores: Float32) -> int:
    """The best of scores (n_items,) that are learned and not blocked; NaN and -inf never. Returns their number."""
    n = 0
    if not len(out_items):
        return n
    for item in range(len(scores)):
        score = scores[item]
        if score > -np.inf and may_enter(out_scores, n, score) and learned[item] and not blocked[item]:
            n = offer(out_items, out_scores, n, np.int32(item), score)
    in_order(out_items, out_scores, n)
    return n


@kernel(_subset)
def top_of_some(scores: Float32, items: Int32, blocked: Bool, out_items: Int32, out_scores: Float32) -> int:
    """As `top_of_dense`, of scores (n,) of some items (n,)."""
    n = 0
    if not len(out_items):
        return n
    for place in range(len(scores)):
        score, item = scores[place], items[place]
        if score > -np.inf and may_enter(out_scores, n, score) and not blocked[item]:
            n = offer(out_items, out_scores, n, item, score)
    in_order(out_items, out_scores, n)
    return n


@kernel(_few)
def first_allowed(order: Int32, scores: Float32, blocked: Bool, out_items: Int32, out_scores: Float32) -> int:
    """The first items of an order that are not blocked; scores: (n_items,)."""
    n = 0
    for item in order:
        if n == len(out_items):
            break
        if not blocked[item]:
            out_items[n], out_scores[n] = item, scores[item]
            n += 1
    return n
