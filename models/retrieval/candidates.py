"""Candidates: the merged results of all retrievers, and reciprocal-rank fusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32
from models.data.types import Candidates, Hits, Queries
from models.interfaces import Retriever

FUSION_CONSTANT = 60.0  # default constant of reciprocal-rank fusion, used for slates, new users and similar items


class Params(BaseModel):
    """Parameters of candidate retrieval for each query."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=100, ge=1)
    """Candidates per retriever. More costs ranking time; recall saturates."""
    rolling_queries: int = Field(default=4000, ge=0)
    """Events after the first cutoff that become additional training queries for the ranker. Each has all earlier
    events of its user as history and teaches the next choice. 0: only the queries at the cutoffs."""
    n_cutoffs: int = Field(default=4, ge=1)
    """Number of cutoffs for training queries: the first cutoff, then more at equal row distances in the first half of
    the validation split. The targets are all later choices of a user there. 1: the first cutoff only."""
    truncated_queries: int = Field(default=500, ge=0)
    """Queries at the cutoffs that are repeated with only the newest one to ten events of their users' histories. They
    teach the ranker to recommend to users with short histories."""
    max_users: int = Field(default=25_000, ge=1)
    """Maximum number of queries at all cutoffs together; above it, a seeded sample is taken. More take time, disk space
    and about 100 bytes of memory per candidate."""
    seed: int = Field(default=1, ge=0)
    """Seed of the samples of events and users."""


def gather(hits: Mapping[str, Hits], n_items: int) -> Candidates:
    """The candidates of all retrievers, one row per (query, item), sorted by query, then by item."""
    names = tuple(hits)
    keys, ranks, scores = [], [], []
    for offered in hits.values():
        query, slot = np.nonzero(offered.items >= 0)
        keys.append(query.astype(np.int64) * n_items + offered.items[query, slot])
        ranks.append(slot.astype(np.int32) + 1)
        scores.append(offered.scores[query, slot])
    rows, where = np.unique(np.concatenate(keys), return_inverse=True) if keys else (np.zeros(0, np.int64), None)
    candidates = Candidates(
        retrievers=names,
        query=(rows // max(n_items, 1)).astype(np.int32),
        item=(rows % max(n_items, 1)).astype(np.int32),
        scores=np.full((len(rows), len(names)), np.nan, dtype=np.float32),
        ranks=np.zeros((len(rows), len(names)), dtype=np.int32),
    )
    start = 0
    for column in range(len(names)):
        stop = start + len(keys[column])
        own_rows = where[start:stop] if where is not None else slice(0)
        candidates.scores[own_rows, column] = scores[column]
        candidates.ranks[own_rows, column] = ranks[column]
        start = stop
    return candidates


def candidates_of(retrievers: Mapping[str, Retriever], queries: Queries, k: int, n_items: int) -> Candidates:
    """Retrieves k items per query from each retriever and merges them."""
    return gather({name: retriever.retrieve(queries, k) for name, retriever in retrievers.items()}, n_items)


def reciprocal_ranks(ranks: Int32, constant: float) -> Float32:
    """1 / (constant + rank), 0 for items not returned (Cormack et al. 2009, doi:10.1145/1571941.1572114)."""
    return np.where(ranks > 0, 1.0 / (constant + np.maximum(ranks, 1)), 0.0).astype(np.float32)
