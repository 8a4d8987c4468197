"""Constraints: which items pass an intent, and which constraint gives way when none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from features.arrays import Bool
from models.language.intent.intent import Intent, NumberLimit
from models.language.intent.lexicon import Lexicon

COMPARE = {"<": np.less, "<=": np.less_equal, "=": np.equal, ">=": np.greater_equal, ">": np.greater}


@dataclass(frozen=True)
class Constraint:
    """kind: `number`, `include` or `exclude`; what: a limit or terms (of an include several: one is enough); passing:
    (n_items,); an item whose column is unknown passes no limit on it."""

    kind: str
    what: NumberLimit | tuple[str, ...]
    passing: Bool = field(compare=False)


def constraints_of(intent: Intent, lexicon: Lexicon) -> list[Constraint]:
    """All constraints of an intent, the one that gives way last first; a limit on an unknown column is none."""
    constraints = [Constraint("exclude", (term,), ~lexicon.having(term)) for term in intent.exclude]
    groups = [tuple(intent.include)] if intent.either and intent.include else [(term,) for term in intent.include]
    for group in groups:
        passing = np.zeros(lexicon.n_items, dtype=np.bool_)
        for term in group:
            passing |= lexicon.having(term)
        constraints.append(Constraint("include", group, passing))
    for limit in intent.numbers:
        column = lexicon.columns.get(limit.column)
        if column is not None:
            constraints.append(Constraint("number", limit, passes(limit, column.values)))
    return constraints


def passes(limit: NumberLimit, values: np.ndarray) -> Bool:  # type: ignore[type-arg]
    """(n_items,) which values are within a limit; of NaN none. Prices are compared as the cents that they show."""
    rounded, value = np.round(values, 4), round(limit.value, 4)
    with np.errstate(invalid="ignore"):
        inside: Bool = COMPARE[limit.op](rounded, value) & ~np.isnan(values)
    return inside


def fitting(constraints: Sequence[Constraint], offered: Bool) -> tuple[Bool, list[Constraint]]:
    """(n_items,) the offered items that pass, and the constraints that gave way so that any does.

    One gives way if one is enough: the limit or term that was said last, a refusal last of all; else from the last
    one on as many as it takes.
    """
    if _all(constraints, offered).any():
        return _all(constraints, offered), []
    for dropped in reversed(constraints):
        rest = [one for one in constraints if one is not dropped]
        if (passing := _all(rest, offered)).any():
            return passing, [dropped]
    kept, gone = list(constraints), list[Constraint]()
    while kept:
        gone.append(kept.pop())
        if (passing := _all(kept, offered)).any():
            return passing, gone
    return offered, gone


def _all(constraints: Sequence[Constraint], offered: Bool) -> Bool:
    passing = offered.copy()
    for constraint in constraints:
        passing &= constraint.passing
    return passing
