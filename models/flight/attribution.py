"""What each group of features adds to a ranker's score: Shapley values, which sum to the score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from features.arrays import Float32, Float64, Int64
from models.compute.lightgbm_alone import lightgbm
from models.flight.feature_groups import groups_of, summed
from models.interfaces import CompilesScores, Scores
from models.ranking.features import N_HISTORY, RANK_PREFIX
from models.ranking.newcomers import NewcomersInOrder
from models.retrieval.candidates import FUSION_CONSTANT
from models.single_query.score_plans import BoostedTrees, BySide, FusedRanks, ScorePlan

N_ORDERS = 32  # sampled orders of the groups, for rankers that are no sums


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """base: (n_rows,) score before anything is known of the row; values: (n_rows, n_groups) what each group adds, so
    that base + values.sum(axis=1) is the score; exact: whether values are Shapley values to the last bit of rounding,
    or means over some orders of the groups."""

    groups: tuple[str, ...]
    base: Float64
    values: Float64
    exact: bool


def attribution(ranker: Scores, features: Float32, names: tuple[str, ...]) -> Attribution:
    """Of rows of features, (n_rows, n_features).

    Of trees by exact TreeSHAP (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9), of sums of reciprocal ranks term
    by term, of any other ranker by sampled orders (Strumbelj & Kononenko 2014, doi:10.1007/s10115-013-0679-x), against
    a row of the means of `features`.
    """
    groups, index = groups_of(names)
    inner = ranker.ranker if isinstance(ranker, NewcomersInOrder) else ranker
    newcomers = np.zeros(len(features), dtype=np.bool_)
    if isinstance(ranker, NewcomersInOrder) and N_HISTORY in names:
        newcomers = features[:, names.index(N_HISTORY)] == 0
    base, values, exact = np.zeros(len(features)), np.zeros((len(features), len(groups))), True
    if newcomers.any():
        values[newcomers] = summed(_in_order(features[newcomers], names), index, len(groups))
    if (~newcomers).any():
        rows = features[~newcomers]
        parts = _of_plan(inner.score_plan(), rows) if isinstance(inner, CompilesScores) else None
        if parts is not None:
            base[~newcomers], values[~newcomers] = parts[0], summed(parts[1], index, len(groups))
        else:
            base[~newcomers], values[~newcomers] = _sampled(inner.score, rows, index, len(groups))
            exact = False
    return Attribution(groups=groups, base=base, values=values, exact=exact)


def _in_order(features: Float32, names: tuple[str, ...]) -> Float64:
    """(n_rows, n_features) reciprocal ranks, 1 / (c + rank), of the order that newcomers get."""
    values = np.zeros(features.shape)
    for column in _rank_columns(names):
        inverse = features[:, column].astype(np.float64)
        values[:, column] = inverse / (1.0 + FUSION_CONSTANT * inverse)
    return values


def _of_plan(plan: ScorePlan, features: Float32) -> tuple[Float64, Float64] | None:
    """Base (n_rows,) and values (n_rows, n_features); None for a plan that is no sum."""
    if isinstance(plan, BySide):
        base, values = np.zeros(len(features)), np.zeros(features.shape)
        within = features[:, plan.column] <= plan.limit
        for side, rows in ((plan.within, within), (plan.beyond, ~within)):
            if rows.any():
                parts = _of_plan(side, features[rows])
                if parts is None:
                    return None
                base[rows], values[rows] = parts
        return base, values
    if isinstance(plan, FusedRanks):
        return np.zeros(len(features)), _fused(plan, features)
    if not isinstance(plan, BoostedTrees):
        return None
    base, values = np.zeros(len(features)), plan.prior_weight * _fused(plan.prior, features)
    for booster in _boosters(plan.models):
        shares = np.asarray(booster.predict(features, pred_contrib=True, num_threads=1), dtype=np.float64)
        values += shares[:, :-1] / len(plan.models)
        base += shares[:, -1] / len(plan.models)
    return base, values


def _fused(plan: FusedRanks, features: Float32) -> Float64:
    """(n_rows, n_features) the term of each rank."""
    values = np.zeros(features.shape)
    values[:, plan.columns] = plan.terms(features)
    return values


def _sampled(
    score: Callable[[Float32], Float32], features: Float32, index: Int64, n_groups: int
) -> tuple[Float64, Float64]:
    """Base and (n_rows, n_groups) means over orders of how the score changes as one group after the other is known."""
    with np.errstate(all="ignore"):
        known = ~np.isnan(features)
        background = np.where(known.any(axis=0), np.nan_to_num(features).sum(axis=0) / known.sum(axis=0), np.nan)
    start = score(background[None, :].astype(np.float32)).astype(np.float64)
    values, random = np.zeros((len(features), n_groups)), np.random.default_rng(0)
    for _ in range(N_ORDERS):
        order = random.permutation(n_groups)
        rows = np.repeat(background[None, :].astype(np.float32), len(features) * n_groups, axis=0)
        rows = rows.reshape(n_groups, len(features), -1)
        for step, group in enumerate(order.tolist()):
            if step:
                rows[step] = rows[step - 1]
            rows[step][:, index == group] = features[:, index == group]
        scores = score(rows.reshape(n_groups * len(features), -1)).astype(np.float64).reshape(n_groups, -1)
        steps = np.diff(np.concatenate([np.broadcast_to(start, (1, len(features))), scores]), axis=0)
        values[:, order] += steps.T / N_ORDERS
    return np.broadcast_to(start, (len(features),)).copy(), values


def _rank_columns(names: tuple[str, ...]) -> list[int]:
    return [column for column, name in enumerate(names) if name.startswith(RANK_PREFIX)]


@lru_cache(maxsize=8)
def _boosters(models: tuple[str, ...]) -> list[Any]:
    return [lightgbm().Booster(model_str=model) for model in models]
