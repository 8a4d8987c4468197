"""Paired lift: how much of a metric a part accounts for, with an interval over users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Float64
from models.ablation.ablate_params import AblateParams
from models.evaluation.intervals import bounds, ratio_less_one, resampled_means, sums_by_user


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


def paired_lift(
    with_part: Float64,
    without: Float64,
    users: npt.NDArray[np.generic],
    params: AblateParams,
) -> Lift:
    """with_part, without: (n_queries,) the metric of the same queries; users: (n_queries,) who asked each.

    Users are drawn with all their queries (models/evaluation/intervals.py).
    """
    sums = sums_by_user(np.stack([with_part, without], axis=1), users)
    n_users, n_queries = len(sums), len(with_part)
    if not n_queries:
        return Lift(n_users=0, with_part=0.0, without=0.0, lift=0.0, low=0.0, high=0.0)
    means = resampled_means(sums, params.bootstrap, params.seed)
    low, high = bounds(_lost(means[:, 0], means[:, 1]), params.confidence)
    whole = sums.sum(axis=0)
    return Lift(
        n_users=n_users,
        with_part=float(whole[0] / n_queries),
        without=float(whole[1] / n_queries),
        lift=float(_lost(whole[:1], whole[1:2])[0]),
        low=low,
        high=high,
    )


def _lost(with_part: Float64, without: Float64) -> Float64:
    """1 - without / with, 0 where both are 0, at least -1."""
    lost: Float64 = np.clip(-ratio_less_one(without, with_part), -1.0, 1.0) + 0.0  # no -0
    return lost
