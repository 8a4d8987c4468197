"""What rerankers share: relevance on one scale, likeness of items, caps of categories, and what follows the places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.interfaces import Bool, Catalogue, Float32, Int32, Int64

Float64 = npt.NDArray[np.float64]


def unit_interval(scores: Float32) -> Float64:
    """(n,) in [0, 1], 1 for the best and 0 for the last; all 1 where they are equal."""
    if not len(scores):
        return np.zeros(0)
    low, high = float(scores.min()), float(scores.max())
    return (scores.astype(np.float64) - low) / (high - low) if high > low else np.ones(len(scores))


def most_of_one(share: float, n_places: int) -> int:
    """Places that one category may take of so many, rounded up."""
    return int(np.ceil(share * n_places))


def within_cap(free: Bool, categories: Int32, chosen: list[int], most: int) -> Bool:
    """(n_pool,) who may come next: free, and its category has room (without a category: always).

    Where that leaves nobody the cap gives way and all that are free may come.
    """
    if not chosen or most >= len(categories):
        return free
    shown = categories[chosen]
    full = [category for category in np.unique(shown) if category >= 0 and (shown == category).sum() >= most]
    allowed: Bool = free & ~np.isin(categories, full)
    return allowed if allowed.any() else free


def cosines(pool: Int32, place: int, vectors: Float32) -> Float64:
    """(n_pool,) of each item's text vector to that of the item at `place`, in [-1, 1]."""
    found: Float64 = np.clip((vectors[pool] @ vectors[pool[place]]).astype(np.float64), -1.0, 1.0)
    return found


def common_tags(pool: Int32, place: int, catalogue: Catalogue) -> Float64:
    """(n_pool,) tags that each item has in common with the item at `place`, as a share of all tags of both."""
    own = set(catalogue.tags[pool[place]])
    tags = [set(catalogue.tags[item]) for item in pool]
    return np.array([len(own & other) / len(own | other) if own or other else 0.0 for other in tags])


def and_the_rest(chosen: list[int], n_items: int, k: int) -> Int64:
    """The first k of: those chosen, then all others as they came."""
    taken = np.zeros(n_items, dtype=np.bool_)
    taken[chosen] = True
    return np.concatenate([np.array(chosen, dtype=np.int64), np.flatnonzero(~taken)])[:k]
