"""Mlp: a small network predicts the probability of each outcome (click, purchase …); scores are weighted sums."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from features.arrays import Bool, Float32, Float64, Int32
from features.errors import UserError
from models.data.saved_params import read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import NotFittedError
from models.interfaces import Rows
from models.ranking.calibration import platt
from models.ranking.sampling import rows_of_some_queries
from models.ranking.scaling import Standard, log_odds_of
from models.single_query.score_plans import HiddenLayer

FARTHEST = 6.0  # standard deviations beyond which an input is cut: counts have long tails
ROWS = 2048  # scored at a time, so that the hidden layer stays in the processor's cache
CHOSEN = "chosen"  # the one outcome where no weights are given


class MlpParams(BaseModel):
    """Weights of the outcomes and params of the training."""

    model_config = ConfigDict(extra="forbid")

    weights: dict[str, NonNegativeFloat] = {}
    """Kind of event → what one is worth, such as {click: 1, finish: 2, purchase: 5}: score = Σ weight · probability;
    kinds that are not named count nothing. Empty: the probability that the item is chosen at all."""
    hidden: int = Field(default=32, ge=1)
    """Width of the hidden layer; greater sees finer patterns, needs more examples, and costs time in proportion."""
    epochs: int = Field(default=6, ge=1)
    """Times the examples are read."""
    batch_rows: int = Field(default=2048, ge=1)
    """Examples a step at most; few examples are read in smaller steps."""
    learning_rate: float = Field(default=0.005, gt=0)
    """At its greatest, at the start."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Shrinks both layers; matters where examples are few."""
    held_out: float = Field(default=0.15, gt=0, lt=1)
    """Share of the queries that the network does not learn from; on them its probabilities are made right."""
    max_rows: int = Field(default=500_000, ge=1)
    """Of examples to learn from; beyond it random whole queries are left out."""
    seed: int = Field(default=1, ge=0)
    """Of the first weights, the order of examples and the choice of queries."""


class Mlp:
    """score = Σ weight · P(outcome), P by one hidden layer of rectified units, calibrated by Platt's method.

    Each row is an example of its own, as for `linear`; a shared hidden layer for all outcomes (Caruana 1997,
    doi:10.1023/A:1007379606734). Inference needs only numpy.
    """

    Params: ClassVar[type[BaseModel]] = MlpParams

    def __init__(self, params: MlpParams | None = None) -> None:
        self.params = params or MlpParams()
        self.outcomes_: list[str] = []
        self.standard_: Standard | None = None
        self.arrays_: dict[str, Float32] = {}

    def fit(self, features: Rows, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """Of one outcome, whatever the weights: that a candidate is chosen."""
        return self._learn(features, {CHOSEN: labels}, groups)

    def fit_events(
        self, features: Rows, labels: Float32, events: Mapping[str, Bool], groups: Int32, names: tuple[str, ...]
    ) -> Self:
        """Of each kind of event that has a weight; `events`: kind → (n_rows,).

        Raises:
            UserError: a weight names a kind that the examples do not have.
        """
        if unknown := sorted(set(self.params.weights) - set(events)):
            raise UserError(
                f"params.yaml: ranker.mlp.weights names {unknown}, but what was chosen in the examples has the events "
                f"{sorted(events)}; name some of those, or none"
            )
        wanted = {kind: events[kind].astype(np.float32) for kind in sorted(self.params.weights)}
        return self._learn(features, wanted or {CHOSEN: labels}, groups)

    def probabilities(self, features: Float32) -> Float64:
        """(n_rows, n_outcomes) in the order of `outcomes_`."""
        if self.standard_ is None:
            raise NotFittedError("mlp: asked before it was fitted; call fit or load")
        chances: Float64 = 1.0 / (1.0 + np.exp(-self._log_odds(features)))
        return chances

    def score(self, features: Float32) -> Float32:
        chances = self.probabilities(features)
        total = np.zeros(len(features))
        for column, outcome in enumerate(self.outcomes_):
            total += self.params.weights.get(outcome, 1.0) * chances[:, column]
        return total.astype(np.float32)

    def score_plan(self) -> HiddenLayer:
        """Everything that `score` reads, for a kernel."""
        if self.standard_ is None:
            raise NotFittedError("mlp: no plan before it was fitted")
        return HiddenLayer(
            means=self.standard_.means,
            scales=self.standard_.scales,
            farthest=FARTHEST,
            outcome_weights=tuple(self.params.weights.get(outcome, 1.0) for outcome in self.outcomes_),
            **{name: self.arrays_[name] for name in ("first", "first_bias", "second", "second_bias")},
        )

    def save(self, folder: Path) -> None:
        if self.standard_ is None:
            raise NotFittedError("mlp: nothing to save before it was fitted")
        learned = _Learned(params=self.params, outcomes=self.outcomes_)
        write_params(learned, folder / "mlp.json")
        scales = {"means": self.standard_.means, "scales": self.standard_.scales}
        write_arrays({**self.arrays_, **scales}, folder / "mlp.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        learned = read_params(folder / "mlp.json", "ranker.mlp", _Learned)
        ranker = cls(learned.params)
        arrays = read_arrays(folder / "mlp.safetensors")
        ranker.outcomes_ = learned.outcomes
        ranker.standard_ = Standard(arrays.pop("means"), arrays.pop("scales"))
        ranker.arrays_ = arrays
        return ranker

    def _learn(self, features: Rows, outcomes: Mapping[str, Float32], groups: Int32) -> Self:
        from models.ranking.mlp_training import Recipe, train

        params = self.params
        rows = rows_of_some_queries(groups, params.max_rows, params.seed)
        aside = np.repeat(np.random.default_rng(params.seed).random(len(groups)) < params.held_out, groups)
        labels = np.stack(list(outcomes.values()), axis=1).astype(np.float32)
        learned, judged = rows & ~aside, rows & aside
        self.outcomes_, self.standard_ = list(outcomes), Standard.of(features[learned])
        odds = np.array([log_odds_of(column) for column in labels[learned].T], dtype=np.float32)
        recipe = Recipe(**params.model_dump(include=set(Recipe.__dataclass_fields__)))
        self.arrays_ = train(self._inputs(features[learned]), labels[learned], odds, recipe)
        raw = self._log_odds(features[judged])
        for column in range(len(outcomes)):  # the calibration is linear in the log-odds: it goes into the last layer
            slope, shift = platt(raw[:, column], labels[judged, column].astype(np.float64))
            self.arrays_["second"][:, column] *= slope
            self.arrays_["second_bias"][column] = slope * self.arrays_["second_bias"][column] + shift
        return self

    def _inputs(self, features: Float32) -> Float32:
        assert self.standard_ is not None
        return np.clip(self.standard_.inputs(features), -FARTHEST, FARTHEST).astype(np.float32)

    def _log_odds(self, features: Float32) -> Float64:
        """(n_rows, n_outcomes)"""
        parts = [self._of_some(features[start : start + ROWS]) for start in range(0, len(features), ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.outcomes_)))

    def _of_some(self, features: Float32) -> Float64:
        """The log-odds of a few rows, column by column in one order, so that a row has the same bits alone."""
        arrays, inputs = self.arrays_, np.ascontiguousarray(self._inputs(features).T)
        hidden = np.repeat(arrays["first_bias"][:, None], len(features), axis=1)
        for column, weights in zip(inputs, arrays["first"], strict=True):
            hidden += weights[:, None] * column[None, :]
        np.maximum(hidden, 0, out=hidden)
        log_odds = np.repeat(arrays["second_bias"].astype(np.float64)[None, :], len(features), axis=0)
        for unit, to_outcomes in zip(hidden, arrays["second"], strict=True):
            log_odds += unit[:, None] * to_outcomes[None, :]
        return log_odds


class _Learned(BaseModel):
    params: MlpParams
    outcomes: list[str]
