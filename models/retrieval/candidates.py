"""Candidates: the proposals of all retrievers together, and reciprocal-rank fusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32
from models.data.types import Candidates, Hits, Queries
from models.interfaces import Retriever

FUSION_CONSTANT = 60.0  # of reciprocal ranks where no params say another: a slate's shares, newcomers, similar items


class Params(BaseModel):
    """What is retrieved for each query."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=100, ge=1)
    """Candidates of each retriever; more costs ranking time, recall saturates."""
    rolling_queries: int = Field(default=4000, ge=0)
    """Events after the first cut, with all that preceded them as history, that teach the ranker the next choice beside
    the queries at the cut, which teach it the time after; 0: these alone."""
    n_cutoffs: int = Field(default=4, ge=1)
    """Instants, the first cut and then evenly by rows in the first half of valid, at which everybody with a later
    choice there is asked for all of them; 1: the first cut alone."""
    truncated_queries: int = Field(default=500, ge=0)
    """Queries at the cuts that are asked again as if only their users' newest one to ten acts had been recorded: they
    teach the ranker to recommend to those of whom little is known."""
    max_users: int = Field(default=25_000, ge=1)
    """Users asked at the cuts, all cuts counted together; of more, a seeded sample. Higher takes more time and disk,
    and about 100 bytes of memory a candidate."""
    seed: int = Field(default=1, ge=0)
    """Which events and users."""


def gather(hits: Mapping[str, Hits], n_items: int) -> Candidates:
    """All proposals of all retrievers, one row a (query, item), ascending by query, then by item."""
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
    """Asks every retriever for k and gathers."""
    return gather({name: retriever.retrieve(queries, k) for name, retriever in retrievers.items()}, n_items)


def reciprocal_ranks(ranks: Int32, constant: float) -> Float32:
    """1 / (constant + rank), 0 where not offered (Cormack et al. 2009, doi:10.1145/1571941.1572114)."""
    return np.where(ranks > 0, 1.0 / (constant + np.maximum(ranks, 1)), 0.0).astype(np.float32)
