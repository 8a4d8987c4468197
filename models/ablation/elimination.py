"""Elimination: parts that stand in for each other are judged one after the other, so that not all of them go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from features.arrays import Float64
from models.ablation.ablate_params import AblateParams
from models.ablation.assessing import Subject, assess
from models.ablation.kept import JudgedPart
from models.ablation.paired_lift import paired_lift

Metric = Callable[[frozenset[str]], Float64]
"""Names of parts in use → (n_users, n_items) contributions to a metric with exactly these (paired_lift.py)."""


def eliminate(
    subjects: Sequence[tuple[str, Subject]],
    metric: Metric,
    params: AblateParams,
    *,
    least: int,
) -> tuple[list[JudgedPart], frozenset[str], Float64]:
    """Backward elimination: each part is left out in turn, of those that fail the least worth goes, and the others are
    judged anew.

    subjects: (name for `metric`, subject); least: so many parts are left whatever they show. Returns the verdicts in
    the order of the subjects, the names that stay, and their metric.
    """
    known: dict[frozenset[str], Float64] = {}

    def values(names: frozenset[str]) -> Float64:
        if names not in known:
            known[names] = metric(names)
        return known[names]

    left = dict(subjects)
    verdicts: dict[str, JudgedPart] = {}
    while True:
        together = frozenset(left)
        if len(left) > least:
            for name, subject in left.items():
                lift = paired_lift(values(together), values(together - {name}), params)
                verdicts[name] = assess(subject, lift, params)
        failed = [name for name in left if len(left) > least and not verdicts[name].kept]
        if not failed:
            break
        del left[min(failed, key=lambda name: (_worth(verdicts[name]), name))]
    for name in left:
        if name in verdicts and not verdicts[name].kept:  # the last one of its kind
            why = "stays: the others of its kind were dropped, and one is needed"
            verdicts[name] = verdicts[name].model_copy(update={"kept": True, "why": why})
    ordered = [verdicts[name] for name, _ in subjects if name in verdicts]
    return ordered, frozenset(left), values(frozenset(left))


def _worth(part: JudgedPart) -> float:
    """The lift of a part beyond its price, in percent."""
    return 100 * part.lift - part.price
