"""The scorer of one query at a time: a ranker's plan, prepared once, that gives the ranker's scores to the bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.arrays import Float32, Float64
from models.interfaces import Scores
from models.online.scoring import layer_kernels, tree_kernels
from models.online.scoring.model_text import UnsupportedTreesError
from models.online.scoring.tree_arrays import TreeArrays
from models.ranking.newcomers import NewcomersInOrder
from models.ranking.ranker_plans import plan_of
from models.single_query.score_plans import (
    AnyScores,
    BoostedTrees,
    BySide,
    FusedRanks,
    HiddenLayer,
    ScorePlan,
    WeightedSum,
)

Scorer = Callable[[Float32], Float32]
"""features (n_rows, n_features) float32 of one query → scores (n_rows,) float32; safe to call from several threads."""


def online_scorer(ranker: Scores) -> Scorer:
    """What `ranker.score` gives, to the bit, at the price of one query.

    Rankers without a `score_plan`, and trees that the kernels do not know, are asked by their own `score`. Rows may
    belong to several queries all the same.
    """
    if isinstance(ranker, NewcomersInOrder):
        return _with_newcomers(ranker, online_scorer(ranker.ranker))
    return scorer_of(plan_of(ranker))


def scorer_of(plan: ScorePlan) -> Scorer:
    """A plan, prepared."""
    match plan:
        case FusedRanks():
            return _fused(plan)
        case BoostedTrees():
            try:
                return tree_scorer(plan, TreeArrays.of(plan.models))
            except UnsupportedTreesError:
                return plan.score
        case WeightedSum():
            return _weighted(plan)
        case HiddenLayer():
            return _layered(plan)
        case BySide():
            return _by_side(plan)
        case AnyScores():
            return plan.score


def tree_scorer(plan: BoostedTrees, trees: TreeArrays) -> Scorer:
    """Boosted trees by kernels; trees: of the plan's models, made here or mapped from a file."""
    fused = _fused(plan.prior)
    n_models, n_features = len(plan.models), int(trees.n_features)

    def score(features: Float32) -> Float32:
        if n_models and features.shape[1] != n_features:
            return plan.score(features)  # which says what is wrong
        rows = np.ascontiguousarray(features, dtype=np.float32)
        prior = plan.prior_weight * fused(rows).astype(np.float64)
        return (prior + tree_sums(trees, rows) / max(n_models, 1)).astype(np.float32)

    return score


def tree_sums(trees: TreeArrays, features: Float32) -> Float64:
    """(n_rows,) Σ over the models of Σ of their trees; features: contiguous, of the trees' width."""
    nodes = (
        features,
        trees.column_features,
        trees.column_fills,
        trees.model_starts,
        trees.node_starts,
        trees.leaf_starts,
        trees.node_columns,
        trees.node_thresholds,
    )
    if len(trees.node_children):
        return tree_kernels.walked_sums(*nodes, trees.node_children, trees.leaf_values)
    return tree_kernels.masked_sums(*nodes, trees.node_masks, trees.leaf_values)


def _fused(plan: FusedRanks) -> Scorer:
    columns = np.ascontiguousarray(plan.columns, dtype=np.int32)
    weights = np.ascontiguousarray(plan.weights, dtype=np.float64)
    width = int(columns.max(initial=-1)) + 1

    def score(features: Float32) -> Float32:
        if features.shape[1] < width:
            raise IndexError(f"features have {features.shape[1]} columns, the ranker reads column {width - 1}")
        rows = np.ascontiguousarray(features, dtype=np.float32)
        scores: Float32 = tree_kernels.fused_ranks(rows, columns, weights, plan.constant, plan.scale)
        return scores

    return score


def _weighted(plan: WeightedSum) -> Scorer:
    means, scales, weights = (np.ascontiguousarray(array) for array in (plan.means, plan.scales, plan.weights))

    def score(features: Float32) -> Float32:
        rows = _of_width(features, len(means))
        return layer_kernels.weighted_sums(rows, means, scales, weights, plan.intercept).astype(np.float32)

    return score


def _layered(plan: HiddenLayer) -> Scorer:
    means, scales = np.ascontiguousarray(plan.means), np.ascontiguousarray(plan.scales)
    layers = plan.first, plan.first_bias, plan.second, plan.second_bias
    first, first_bias, second, second_bias = (np.ascontiguousarray(array, dtype=np.float32) for array in layers)

    def score(features: Float32) -> Float32:
        rows = _of_width(features, len(means))
        odds = layer_kernels.log_odds(rows, means, scales, plan.farthest, first, first_bias, second, second_bias)
        chances, total = 1.0 / (1.0 + np.exp(-odds)), np.zeros(len(features))
        for column, weight in enumerate(plan.outcome_weights):
            total += weight * chances[:, column]
        return total.astype(np.float32)

    return score


def _of_width(features: Float32, width: int) -> Float32:
    """Contiguous float32 rows, of the width that a kernel reads without looking."""
    if features.shape[1] != width:
        raise ValueError(f"features have {features.shape[1]} columns, the ranker learned from {width}")
    return np.ascontiguousarray(features, dtype=np.float32)


def _by_side(plan: BySide) -> Scorer:
    within, beyond = scorer_of(plan.within), scorer_of(plan.beyond)

    def score(features: Float32) -> Float32:
        in_session = features[:, plan.column] <= plan.limit
        n_within = int(np.count_nonzero(in_session))
        if n_within == len(features):
            return within(features)
        if not n_within:
            return beyond(features)
        scores = np.empty(len(features), dtype=np.float32)
        scores[in_session], scores[~in_session] = within(features[in_session]), beyond(features[~in_session])
        return scores

    return score


def _with_newcomers(rule: NewcomersInOrder, scorer: Scorer) -> Scorer:
    def score(features: Float32) -> Float32:
        newcomers = rule.newcomers(features)
        if newcomers is None:
            return scorer(features)
        scores = np.zeros(len(features), dtype=np.float32) if newcomers.all() else scorer(features)
        return rule.in_order(features, scores)

    return score
