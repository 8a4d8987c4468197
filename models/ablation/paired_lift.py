"""Paired lift: how much of a metric a part accounts for, with an interval over users and items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float64
from models.ablation.ablate_params import AblateParams
from models.evaluation.intervals import bounds, ratio_less_one


@dataclass(frozen=True, kw_only=True)
class Lift:
    """The mean of a metric with a part and without it; lift = 1 - without / with, in [-1, 1], and its bounds.

    The lift is what would be lost without the part: 0.1 says a tenth of the metric.
    """

    n_users: int
    with_part: float
    without: float
    lift: float
    low: float
    high: float


def paired_lift(with_part: Float64, without: Float64, params: AblateParams) -> Lift:
    """with_part, without: (n_users, n_items) what each item contributes to the metric of each user, which is the sum.

    Users and items are both drawn with replacement: kernels that say nothing rank some items well by luck, for all
    users alike, and an interval over users alone would take that for a lift (pigeonhole bootstrap, which errs on the
    wide side: Owen 2007, doi:10.1214/07-AOAS122).
    """
    n_users, n_items = with_part.shape
    if not n_users:
        return Lift(n_users=0, with_part=0.0, without=0.0, lift=0.0, low=0.0, high=0.0)
    rng = np.random.default_rng(params.seed)
    users = rng.multinomial(n_users, np.full(n_users, 1 / n_users), size=params.bootstrap).astype(np.float64)
    items = rng.multinomial(n_items, np.full(n_items, 1 / n_items), size=params.bootstrap).astype(np.float64)
    drawn = [((users @ gains) * items).sum(axis=1) for gains in (with_part, without)]
    low, high = bounds(_lost(*drawn), params.confidence)
    whole, rest = with_part.sum(keepdims=True).ravel(), without.sum(keepdims=True).ravel()
    return Lift(
        n_users=n_users,
        with_part=float(whole[0] / n_users),
        without=float(rest[0] / n_users),
        lift=float(_lost(whole, rest)[0]),
        low=low,
        high=high,
    )


def _lost(with_part: Float64, without: Float64) -> Float64:
    """1 - without / with, 0 where both are 0, at least -1."""
    lost: Float64 = np.clip(-ratio_less_one(without, with_part), -1.0, 1.0) + 0.0  # no -0
    return lost
