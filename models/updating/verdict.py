"""The verdict on an update: not worse than what is live, by an interval over users, in the gate's words."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import numpy as np

from features.arrays import Float64
from models.evaluation.intervals import Interval, bounds, ratio_less_one, resampled_means, sums_by_user
from models.gate.checks import FEWEST_DIFFERING, Outcome
from models.gate.wording import _WORDS, difference_in_words, number
from models.updating.progressive import METRIC, Asked
from models.updating.update_params import Params


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A side's and the live release's mean NDCG@10 over the events, and what sets them apart; NaN where too few were
    asked."""

    outcome: Outcome
    value: float
    live: float
    difference: Interval
    relative: Interval
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How the update compares, and how the live parts do that only learn additively (`learn.enabled`), if any do."""

    n_events: int
    n_users: int
    updated: Comparison
    learned: Comparison | None = None

    @property
    def releases(self) -> bool:
        """Whether the update was shown not to be worse."""
        return self.updated.outcome in ("superior", "not_worse")

    def sentences(self) -> list[str]:
        """The verdict on the update, and what is said of `learn.enabled`."""
        return [self.updated.sentence, *([self.learned.sentence] if self.learned is not None else [])]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: no NaN, no infinity."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def judge(asked: Asked, params: Params) -> Verdict:
    """Not worse: the lower bound of `updated - (1 - margin) * live` is above 0. Whole users are resampled.

    Source: Davison & Hinkley 1997, section 3.8 (cluster bootstrap).
    """
    n_events, n_users = len(asked.user_ids), len(np.unique(asked.user_ids))
    if n_events < params.least_events:
        return Verdict(n_events=n_events, n_users=n_users, updated=_too_few(n_events, params))
    whose = f"{METRIC} of {n_events:,} events of {n_users:,} users, each asked before it was learned"
    updated, learned = _compare(asked, asked.updated, whose, params), None
    if asked.learned is not None:
        learned = _compare(asked, asked.learned, f"{METRIC} of what learn.enabled would learn of them", params)
        pays = "it pays here" if learned.outcome == "superior" else "that it pays is not shown"
        learned = replace(learned, sentence=f"{learned.sentence.removesuffix('.')}; {pays}.")
    return Verdict(n_events=n_events, n_users=n_users, updated=updated, learned=learned)


def _compare(asked: Asked, values: Float64, whose: str, params: Params) -> Comparison:
    sums = sums_by_user(np.stack([values, asked.live], axis=1), asked.user_ids)
    drawn = resampled_means(sums, params.bootstrap, params.seed)
    ours, theirs = drawn[:, 0] / drawn[:, -1], drawn[:, 1] / drawn[:, -1]
    mean = np.array([values.mean(), asked.live.mean()])
    difference = Interval(float(mean[0] - mean[1]), *bounds(ours - theirs, params.confidence))
    ratio = float(ratio_less_one(mean[:1], mean[1:])[0])
    relative = Interval(ratio, *bounds(ratio_less_one(ours, theirs), params.confidence))
    outcome = _outcome(values, asked.live, difference, ours - (1 - params.margin) * theirs, params.confidence)
    value, low, high = difference_in_words(astuple(relative), astuple(difference))
    sentence = (
        f"{whose}: {number(mean[0])} against {number(mean[1])} of the live release, {value} "
        f"({params.confidence * 100:g} % interval {low} to {high}): "
        f"{_WORDS[outcome].format(margin=f'{params.margin * 100:g} %')}."
    )
    return Comparison(
        outcome=outcome,
        value=float(mean[0]),
        live=float(mean[1]),
        difference=difference,
        relative=relative,
        sentence=sentence,
    )


def _outcome(values: Float64, live: Float64, difference: Interval, room: Float64, confidence: float) -> Outcome:
    if difference.low > 0 and int((values != live).sum()) >= FEWEST_DIFFERING:
        return "superior"
    if bounds(room, confidence)[0] > 0 or np.array_equal(values, live):
        return "not_worse"
    return "worse" if difference.high < 0 else "unclear"


def _too_few(n_events: int, params: Params) -> Comparison:
    none, nan = Interval(float("nan"), float("nan"), float("nan")), float("nan")
    sentence = (
        f"{METRIC}: {n_events:,} event{'' if n_events == 1 else 's'} that the live release has not learned, fewer than "
        f"the {params.least_events:,} that a judgement needs (update.least_events)."
    )
    return Comparison(outcome="too_few", value=nan, live=nan, difference=none, relative=none, sentence=sentence)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
