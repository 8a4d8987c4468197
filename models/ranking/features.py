"""Features of candidates: ranks and scores of the retrievers, and features from the lookup."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.arrays import MICROSECONDS_A_DAY, Float32, Int64
from models.data.types import Candidates, Queries
from models.interfaces import FeatureLookup

RANK_PREFIX = "inverse_rank:"
SCORE_PREFIX = "score:"
IDLE = "idle_days"
N_HISTORY = "n_history"
QUERY_FEATURES = (IDLE, N_HISTORY)


def feature_names(retrievers: tuple[str, ...], looked_up: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the ranker's columns: 1 / rank and score of each retriever, how many offered, query's and lookup's."""
    ranks = [f"{RANK_PREFIX}{name}" for name in retrievers]
    scores = [f"{SCORE_PREFIX}{name}" for name in retrievers]
    return (*ranks, *scores, "n_retrievers", *QUERY_FEATURES, *looked_up)


def query_features(queries: Queries) -> Float32:
    """(n_queries, 2): days since the last act of the history (NaN without one), and log(1 + its length).

    They separate users in a session from returning users, who choose differently.
    """
    history, lengths = queries.history, queries.history.items.lengths
    idle = np.full(len(queries), np.nan)
    has = lengths > 0
    last = history.times[history.items.offsets[1:][has] - 1]
    idle[has] = np.maximum(queries.at[has] - last, 0) / MICROSECONDS_A_DAY
    values: Float32 = np.stack([idle, np.log1p(lengths)], axis=1).astype(np.float32)
    return values


def features_of(
    candidates: Candidates, user_ids: npt.NDArray[np.str_], at: Int64, asked: Float32, lookup: FeatureLookup
) -> Float32:
    """(n_rows, n_features) in the order of `feature_names`; scores over the query's best of that retriever.

    asked: `query_features` of the queries.
    """
    ranks = candidates.ranks
    inverse = np.where(ranks > 0, 1.0 / np.maximum(ranks, 1), 0.0).astype(np.float32)
    counts = (ranks > 0).sum(axis=1, keepdims=True).astype(np.float32)
    looked_up = lookup.features(user_ids, at, candidates.query, candidates.item)
    columns = [inverse, _relative(candidates), counts, asked[candidates.query], looked_up]
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _relative(candidates: Candidates) -> Float32:
    """Scores over the greatest magnitude of the same query and retriever; NaN where not offered."""
    scores = candidates.scores
    relative = np.full(scores.shape, np.nan, dtype=np.float32)
    if not len(candidates):
        return relative
    starts = np.flatnonzero(np.diff(candidates.query, prepend=-1))
    sizes = np.diff(np.append(starts, len(candidates)))
    greatest = np.maximum.reduceat(np.abs(np.nan_to_num(scores, nan=0.0)), starts, axis=0)
    scale = np.repeat(np.where(greatest > 0, greatest, 1.0), sizes, axis=0)
    np.divide(scores, scale, out=relative)
    return relative
