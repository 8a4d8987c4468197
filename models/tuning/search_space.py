"""Search space: which params of each retriever are tuned, and over which values.

It is separate from the retrievers because a fit does not depend on it: a wider range must not make DVC fit them again.
Whether a number is whole and the names of a Literal come from the Params class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, get_args, get_origin

from pydantic import BaseModel

DIGITS = 3  # significant digits of a proposed number, so that the tried value equals the written one


class Trial(Protocol):
    """Proposes values: the interface of an Optuna trial."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...
    def suggest_categorical(self, name: str, choices: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The values of one param: numbers from `low` to `high` (with `log` spread evenly over their logarithms), or
    `choices`."""

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def suggested(self, name: str, trial: Trial) -> float | str:
        """A value that a trial proposes; numbers are rounded to DIGITS significant digits."""
        if self.choices:
            return str(trial.suggest_categorical(name, self.choices))
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return float(f"{trial.suggest_float(name, self.low, self.high, log=self.log):.{DIGITS}g}")

    def placed(self, value: Any) -> float | str:
        """What a trial would have proposed for a value: the nearest where it lies outside, the greatest for null, which
        stands for "without limit" wherever it may be set."""
        if self.choices:
            return str(value)
        inside = self.high if value is None else min(max(float(value), self.low), self.high)
        return round(inside) if self.whole else inside


_NAMES = Axis()
_DAYS = Axis(low=1, high=1000, log=True)

SPACES: dict[str, dict[str, Axis]] = {
    "popular": {"half_life_days": Axis(low=0.5, high=365, log=True)},
    "item_knn": {
        "similarity": _NAMES,
        "neighbors": Axis(low=5, high=500, log=True),
        "shrinkage": Axis(low=1, high=1000, log=True),
        "half_life_days": _DAYS,
    },
    "user_knn": {
        "similarity": _NAMES,
        "asymmetry": Axis(low=0, high=1),
        "neighbors": Axis(low=10, high=1000, log=True),
        "shrinkage": Axis(low=0.1, high=100, log=True),
        "half_life_days": _DAYS,
    },
    "ease": {
        "regularization": Axis(low=1, high=10_000, log=True),
        "text_weight": Axis(low=0, high=300),
        "half_life_days": _DAYS,
    },
    "als": {
        "embedding_size": Axis(low=16, high=128, log=True),
        "unobserved": Axis(low=1, high=300, log=True),
        "regularization": Axis(low=0.01, high=10, log=True),
        "frequency_scaling": Axis(low=0, high=1),
        "half_life_days": _DAYS,
    },
    "bpr": {
        "embedding_size": Axis(low=16, high=128, log=True),
        "epochs": Axis(low=10, high=300, log=True),
        "learning_rate": Axis(low=0.005, high=0.2, log=True),
        "regularization": Axis(low=1e-4, high=0.1, log=True),
        "half_life_days": _DAYS,
    },
    "svd": {"n_components": Axis(low=8, high=256, log=True), "damping": Axis(low=0, high=1), "half_life_days": _DAYS},
    "graph": {
        "alpha": Axis(low=0.2, high=2),
        "beta": Axis(low=0, high=1),
        "neighbors": Axis(low=50, high=2000, log=True),
        "half_life_days": _DAYS,
    },
    "markov": {
        "window": Axis(low=1, high=100, log=True),
        "gap_power": Axis(low=0, high=2),
        "backward": Axis(low=0, high=1),
        "half_life_days": _DAYS,
        "shrinkage": Axis(low=1, high=1000, log=True),
        "popularity_power": Axis(low=0, high=1),
        "last_events": Axis(low=1, high=200, log=True),
        "recency_power": Axis(low=0, high=2),
    },
    "social": {"similarity_weight": Axis(low=0, high=300), "half_life_days": _DAYS},
    "cold_items": {
        "half_life_days": _DAYS,
    },
    "text": {"half_life_events": Axis(low=1, high=200, log=True), "half_life_days": _DAYS},
    "sequence": {
        "learning_rate": Axis(low=0.0005, high=0.01, log=True),
        "weight_decay": Axis(low=1e-4, high=0.1, log=True),
        "dropout": Axis(low=0, high=0.5),
        "hidden_text": Axis(low=0, high=0.5),
    },
}
SLOW = ("sequence",)  # minutes a fit: tuned when asked for by name


def axes_of(retriever: str, params: type[BaseModel]) -> dict[str, Axis]:
    """Name → values of the params of a retriever that are tuned; none where it stands not in SPACES."""
    return {
        name: _fitted(axis, params.model_fields[name].annotation) for name, axis in SPACES.get(retriever, {}).items()
    }


def _fitted(axis: Axis, annotation: Any) -> Axis:
    if get_origin(annotation) is Literal:
        return replace(axis, choices=get_args(annotation))
    return replace(axis, whole=int in (get_args(annotation) or (annotation,)))
