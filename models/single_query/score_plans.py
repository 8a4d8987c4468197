"""Score plans: how a ranker scores the candidates of one query, as typed arrays that `models/online` runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Float64, Int32


@dataclass(frozen=True, kw_only=True)
class FusedRanks:
    """score = Σ weight · 1 / (constant + rank) over what it is for the first place of every retriever.

    columns: (n_retrievers,) those of the features with 1 / rank, 0 where not offered; weights: (n_retrievers,).
    """

    columns: Int32
    weights: Float64
    constant: float

    @property
    def scale(self) -> float:
        """What the sum is divided by: that of the first place of every retriever."""
        first = float(np.sum(self.weights)) / (1.0 + self.constant)
        return first if first > 0 else 1.0

    def terms(self, features: Float32) -> Float64:
        """(n_rows, n_retrievers) what each retriever adds to the score."""
        inverse = features[:, self.columns].astype(np.float64)
        shares: Float64 = self.weights * inverse / (1.0 + self.constant * inverse) / self.scale
        return shares


@dataclass(frozen=True, kw_only=True)
class BoostedTrees:
    """score = prior_weight · prior + mean over the models of the sum of their trees.

    models: LightGBM's text of each seed; score: the ranker's own, for trees that the kernels do not know.
    """

    models: tuple[str, ...]
    prior: FusedRanks
    prior_weight: float
    score: Callable[[Float32], Float32]


@dataclass(frozen=True, kw_only=True)
class WeightedSum:
    """score = intercept + weights · (standardized features, what is missing).

    means, scales: (n_features,) of the standardization, a missing feature is 0 afterwards; weights: (2 · n_features,),
    one for each feature, then one for each one's absence.
    """

    means: Float64
    scales: Float64
    weights: Float64
    intercept: float


@dataclass(frozen=True, kw_only=True)
class HiddenLayer:
    """score = Σ weight · sigmoid of each outcome's log-odds, by one hidden layer of rectified units.

    Its inputs are (standardized features, what is missing), as of `WeightedSum`, cut at ±`farthest`. first:
    (2 · n_features, n_hidden), first_bias: (n_hidden,), second: (n_hidden, n_outcomes), second_bias, outcome_weights:
    (n_outcomes,).
    """

    means: Float64
    scales: Float64
    farthest: float
    first: Float32
    first_bias: Float32
    second: Float32
    second_bias: Float32
    outcome_weights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class BySide:
    """One plan for queries whose `column` is at most `limit` (in_session), another for all others (NaN included)."""

    column: int
    limit: float
    within: ScorePlan
    beyond: ScorePlan


@dataclass(frozen=True, kw_only=True)
class AnyScores:
    """The ranker's own `score`, which takes rows of one query as well as of many."""

    score: Callable[[Float32], Float32]


ScorePlan = FusedRanks | BoostedTrees | WeightedSum | HiddenLayer | BySide | AnyScores
