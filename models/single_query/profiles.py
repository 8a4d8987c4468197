"""The profile of one history: its distinct items and their weights, as the batch form computes them, to the bit."""

from __future__ import annotations

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, Float32, Int32
from models.single_query.one_query import OneQuery
from models.single_query.query_plans import Decayed, Newest, Profile


def profile_of(query: OneQuery, profile: Profile) -> tuple[Int32, Float32]:
    """(n,) items, ascending, each once, and their weights."""
    return _newest(query, profile) if isinstance(profile, Newest) else (query.distinct, _decayed(query, profile))


def _decayed(query: OneQuery, profile: Decayed) -> Float32:
    """As `models.retrieval.history_profile.history_profiles`."""
    weights = query.latest_weights
    if not len(weights):
        return np.zeros(0, dtype=np.float32)
    if profile.half_life_events is not None:
        rank = np.empty(len(weights), dtype=np.int64)
        rank[np.lexsort((query.distinct, query.latest))] = np.arange(len(weights))
        weights = weights * np.exp2(-(len(weights) - 1 - rank).astype(np.float64) / profile.half_life_events)
    if profile.half_life_days is not None:
        age = (query.latest.max() - query.latest) / MICROSECONDS_A_DAY
        weights = weights * np.exp2(-age / profile.half_life_days)
    return weights.astype(np.float32)


def _newest(query: OneQuery, profile: Newest) -> tuple[Int32, Float32]:
    """As `models.retrievers.markov.last_acts`."""
    items = query.items[-profile.n_events :]
    newer = np.arange(len(items) - 1, -1, -1)
    weights = (newer + 1.0) ** -profile.power * query.weights[-profile.n_events :]
    trusted = weights > 0
    items, weights = items[trusted], weights[trusted]
    order = np.argsort(items, kind="stable")
    items, weights = items[order], weights[order]
    first = np.ones(len(items), dtype=np.bool_)
    first[1:] = items[1:] != items[:-1]
    starts = np.flatnonzero(first)
    summed = np.add.reduceat(weights, starts) if len(starts) else weights
    return items[starts].astype(np.int32), summed.astype(np.float32)
