"""Retrieval: the best k of a row of scores, the candidates of all retrievers together, reciprocal-rank fusion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from models.interfaces import Candidates, Float32, Hits, Int32, Queries, Retriever

CELLS = 1 << 24  # of a block of scores (queries × items): 64 MiB


class Params(BaseModel):
    """What is retrieved for each query."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=100, ge=1)
    """Candidates of each retriever; more costs ranking time, recall saturates."""
    live_queries: int = Field(default=4000, ge=0)
    """Events after the first cut, with all that preceded them as history, that teach the ranker the next choice beside
    the queries at the cut, which teach it the time after; 0: these alone."""
    cuts: int = Field(default=4, ge=1)
    """Instants, the first cut and then evenly by rows in the first half of valid, at which everybody with a later
    choice there is asked for all of them; 1: the first cut alone."""
    short_queries: int = Field(default=500, ge=0)
    """Queries at the cuts that are asked again as if only their users' newest one to ten acts had been recorded: they
    teach the ranker to recommend to those of whom little is known."""
    seed: int = Field(default=1, ge=0)
    """Which events and users."""


def top_k(scores: Float32, queries: Queries, k: int) -> Hits:
    """The best k of each row of `scores` (n_queries, n_items), which is overwritten; ties by ascending position.

    Excluded and barred items and those that score -inf or NaN are never offered.
    """
    n_queries, n_items = scores.shape
    owners = np.repeat(np.arange(n_queries), np.diff(queries.excluded_offsets))
    scores[owners, queries.excluded] = -np.inf
    if queries.barred is not None:
        scores[:, queries.barred] = -np.inf
    scores[np.isnan(scores)] = -np.inf
    hits = no_hits(n_queries, k)
    for query in range(n_queries):
        items = best(scores[query], k)
        hits.items[query, : len(items)] = items
        hits.scores[query, : len(items)] = scores[query, items]
    return hits


def best(row: Float32, k: int) -> npt.NDArray[np.int64]:
    """Positions of the at most k greatest finite values, greatest first, ties by ascending position."""
    chosen = np.flatnonzero(row > -np.inf)
    if k < len(chosen):
        values = row[chosen]
        threshold = np.partition(values, len(values) - k)[len(values) - k]
        above, level = chosen[values > threshold], chosen[values == threshold]
        chosen = np.sort(np.concatenate([above, level[: k - len(above)]]))
    return chosen[np.argsort(-row[chosen], kind="stable")]


def no_hits(n_queries: int, k: int) -> Hits:
    """An answer without items: -1 everywhere, scores 0."""
    return Hits(np.full((n_queries, k), -1, dtype=np.int32), np.zeros((n_queries, k), dtype=np.float32))


def blocks(queries: Queries, n_items: int) -> Iterator[Queries]:
    """The batch in parts whose scores fit into memory."""
    size = max(1, CELLS // max(n_items, 1))
    for start in range(0, len(queries), size):
        yield queries.part(start, min(start + size, len(queries)))


def retrieve_by(score: Callable[[Queries], Float32], queries: Queries, n_items: int, k: int) -> Hits:
    """The best k by a function that scores the whole catalogue, block by block."""
    found = [top_k(score(part), part, k) for part in blocks(queries, n_items)]
    if not found:
        return no_hits(0, k)
    return Hits(np.concatenate([hits.items for hits in found]), np.concatenate([hits.scores for hits in found]))


def silence(vectors: Float32) -> Float32:
    """(n_items,) to be added to scores of item vectors (n_items, size): -inf where the vector is zero, as of an item
    of which nothing was learned, so that it is not offered; else 0."""
    return np.where(vectors.any(axis=1), 0.0, -np.inf).astype(np.float32)


def gather(hits: Mapping[str, Hits], n_items: int) -> Candidates:
    """All proposals of all retrievers, one row a (query, item), ascending by query, then by item."""
    names = tuple(hits)
    keys, ranks, scores = [], [], []
    for found in hits.values():
        query, place = np.nonzero(found.items >= 0)
        keys.append(query.astype(np.int64) * n_items + found.items[query, place])
        ranks.append(place.astype(np.int32) + 1)
        scores.append(found.scores[query, place])
    rows, where = np.unique(np.concatenate(keys), return_inverse=True) if keys else (np.zeros(0, np.int64), None)
    candidates = Candidates(
        names,
        (rows // max(n_items, 1)).astype(np.int32),
        (rows % max(n_items, 1)).astype(np.int32),
        np.full((len(rows), len(names)), np.nan, dtype=np.float32),
        np.zeros((len(rows), len(names)), dtype=np.int32),
    )
    start = 0
    for column in range(len(names)):
        stop = start + len(keys[column])
        own = where[start:stop] if where is not None else slice(0)
        candidates.scores[own, column] = scores[column]
        candidates.ranks[own, column] = ranks[column]
        start = stop
    return candidates


def candidates_of(retrievers: Mapping[str, Retriever], queries: Queries, k: int, n_items: int) -> Candidates:
    """Asks every retriever for k and gathers."""
    return gather({name: retriever.retrieve(queries, k) for name, retriever in retrievers.items()}, n_items)


def reciprocal_ranks(ranks: Int32, constant: float) -> Float32:
    """1 / (constant + rank), 0 where not offered (Cormack et al. 2009, doi:10.1145/1571941.1572114)."""
    return np.where(ranks > 0, 1.0 / (constant + np.maximum(ranks, 1)), 0.0).astype(np.float32)
