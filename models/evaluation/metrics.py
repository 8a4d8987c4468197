"""Accuracy of ranked lists per query, binary relevance, full ranking: ndcg, recall, hr, precision, f1, map and mrr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Bool, Float64, Integers
from models.data.ragged import Ragged


def metric_names(cuts: Sequence[int]) -> list[str]:
    """Names in the order in which `accuracy` gives them, e.g. `ndcg@10`; `mrr` is cut at the largest k."""
    return [f"{name}@{k}" for k in sorted(cuts) for name in ("ndcg", "recall", "hr", "precision", "f1", "map")] + [
        "mrr"
    ]


def target_positions(lists: Integers, targets: Ragged[Any]) -> npt.NDArray[np.int64]:
    """(n_queries, depth) where each recommended item stands in `targets.values`, -1 when it is no target of its query.

    lists: (n_queries, depth) item codes, -1 pads; targets: item codes, one row a query, ascending and distinct in it.
    """
    n_queries, depth = lists.shape
    nothing = np.full((n_queries, depth), -1, dtype=np.int64)
    if not len(targets.values) or not lists.size:
        return nothing
    span = int(max(lists.max(), targets.values.max())) + 1
    keys = targets.owners * span + targets.values
    wanted = np.arange(n_queries, dtype=np.int64)[:, None] * span + lists
    nearest = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[nearest] == wanted) & (lists >= 0), nearest, nothing)


def accuracy(hits: Bool, n_targets: Integers, cuts: Sequence[int]) -> dict[str, Float64]:
    """Each metric of each query, shape (n_queries,), in [0, 1]; NaN where the query has no target.

    hits: (n_queries, depth) whether the item at rank 1, 2, … is a target; shorter lists count as misses.
    ndcg@k   gain 1, discount 1 / log2(rank + 1), ideal over min(k, n_targets)   recall@k     hits / n_targets
    hr@k     1 when there is any hit                                             precision@k  hits / k
    f1@k     harmonic mean of precision@k and recall@k, 0 without a hit
    map@k    sum over hits of precision at their rank / min(k, n_targets)        mrr          1 / rank of first hit
    A query with an empty list counts as 0: a recommender cannot win by not answering.
    Source: Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418.
    """
    deepest = max(cuts)
    n_queries, depth = hits.shape
    gain = np.zeros((n_queries, deepest))
    gain[:, : min(depth, deepest)] = hits[:, :deepest]
    ranks = np.arange(1, deepest + 1)
    discount = 1.0 / np.log2(ranks + 1)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    n_hits = np.cumsum(gain, axis=1)
    reachable = np.where(n_targets > 0, n_targets, 1)
    values: dict[str, Float64] = {}
    for k in sorted(cuts):
        best = np.minimum(reachable, k)
        values[f"ndcg@{k}"] = gain[:, :k] @ discount[:k] / ideal[best]
        values[f"recall@{k}"] = n_hits[:, k - 1] / reachable
        values[f"hr@{k}"] = (n_hits[:, k - 1] > 0).astype(np.float64)
        values[f"precision@{k}"] = n_hits[:, k - 1] / k
        values[f"f1@{k}"] = 2 * n_hits[:, k - 1] / (k + reachable)  # 2pr / (p + r) of hits / k and hits / n_targets
        values[f"map@{k}"] = (gain[:, :k] * n_hits[:, :k] / ranks[:k]).sum(axis=1) / best
    first = np.argmax(gain > 0, axis=1)
    values["mrr"] = np.where(n_hits[:, -1] > 0, 1.0 / (first + 1), 0.0)
    return {name: np.where(n_targets > 0, column, np.nan) for name, column in values.items()}


def recall_curve(hits: Bool, n_targets: Integers) -> Float64:
    """Mean recall at every depth 1..depth over queries with a target, shape (depth,)."""
    judged = n_targets > 0
    if not judged.any():
        return np.zeros(hits.shape[1])
    shares: Float64 = np.cumsum(hits[judged], axis=1) / n_targets[judged][:, None]
    curve: Float64 = shares.mean(axis=0)
    return curve
