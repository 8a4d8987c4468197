"""Top-k: the k best items of each row of scores, computed block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from features.arrays import Float32
from models.data.types import Hits, Queries

CELLS = 1 << 24  # size of a block of scores (queries × items): 64 MiB


def top_k(scores: Float32, queries: Queries, k: int) -> Hits:
    """The top k of each row of `scores` (n_queries, n_items), which is overwritten; ties by ascending position.

    Excluded items, unavailable items and items with score -inf or NaN are never returned.
    """
    n_queries, n_items = scores.shape
    scores[queries.excluded.owners, queries.excluded.values] = -np.inf
    if queries.unavailable is not None:
        scores[:, queries.unavailable] = -np.inf
    scores[np.isnan(scores)] = -np.inf
    hits = no_hits(n_queries, k)
    for query in range(n_queries):
        items = top_k_of_row(scores[query], k)
        hits.items[query, : len(items)] = items
        hits.scores[query, : len(items)] = scores[query, items]
    return hits


def top_k_of_row(row: Float32, k: int) -> npt.NDArray[np.int64]:
    """Positions of the at most k greatest finite values, greatest first, ties by ascending position."""
    chosen = np.flatnonzero(row > -np.inf)
    if k < len(chosen):
        values = row[chosen]
        threshold = np.partition(values, len(values) - k)[len(values) - k]
        above, level = chosen[values > threshold], chosen[values == threshold]
        chosen = np.sort(np.concatenate([above, level[: k - len(above)]]))
    return chosen[np.argsort(-row[chosen], kind="stable")]


def no_hits(n_queries: int, k: int) -> Hits:
    """A result without items: -1 everywhere, scores 0."""
    return Hits(np.full((n_queries, k), -1, dtype=np.int32), np.zeros((n_queries, k), dtype=np.float32))


def blocks(queries: Queries, n_items: int) -> Iterator[Queries]:
    """Splits the batch into blocks whose scores fit into memory."""
    size = max(1, CELLS // max(n_items, 1))
    for start in range(0, len(queries), size):
        yield queries.part(start, min(start + size, len(queries)))


def retrieve_by(score: Callable[[Queries], Float32], queries: Queries, n_items: int, k: int) -> Hits:
    """The top k by a function that scores the whole catalogue, block by block."""
    parts = [top_k(score(part), part, k) for part in blocks(queries, n_items)]
    if not parts:
        return no_hits(0, k)
    return Hits(np.concatenate([hits.items for hits in parts]), np.concatenate([hits.scores for hits in parts]))


def unlearned_mask(vectors: Float32) -> Float32:
    """(n_items,) offset to the scores of vectors (n_items, size): -inf where the vector is zero, so that untrained
    items are never returned; else 0."""
    return np.where(vectors.any(axis=1), 0.0, -np.inf).astype(np.float32)
