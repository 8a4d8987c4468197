"""Paired lift: how much of a metric a part accounts for, with an interval over users and items."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from features.arrays import Float64
from models.ablation.ablate_params import AblateParams


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

    The interval is that of a ratio, linear in small differences, where both users and items vary: kernels that say
    nothing rank some items well by luck, for all users alike, and an interval over users alone takes that for a lift.
    Its variance is that over users and that over items less that of single cells, which both hold (two-way clusters:
    Cameron, Gelbach & Miller 2011, doi:10.1198/jbes.2010.07136), and no less than that over users.
    """
    n_users = len(with_part)
    whole, rest = float(with_part.sum()), float(without.sum())
    lift = _lost(whole, rest)
    error = 0.0
    if whole > 0:
        cells = (rest / whole * with_part - without) / whole  # what each adds to the lift; their sum is 0
        of_users, of_items = (float(np.square(cells.sum(axis=axis)).sum()) for axis in (1, 0))
        error = math.sqrt(max(of_users, of_users + of_items - float(np.square(cells).sum())))
    reach = NormalDist().inv_cdf((1 + params.confidence) / 2) * error
    return Lift(
        n_users=n_users,
        with_part=whole / max(n_users, 1),
        without=rest / max(n_users, 1),
        lift=lift,
        low=max(lift - reach, -1.0),
        high=min(lift + reach, 1.0),
    )


def _lost(with_part: float, without: float) -> float:
    """1 - without / with, 0 where both are 0, at least -1."""
    if with_part <= 0:
        return 0.0 if without <= 0 else -1.0
    return max(1 - without / with_part, -1.0)
