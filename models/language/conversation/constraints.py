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
    (n_items,); an item whose column is unknown passes no limit on it; earlier: whether an earlier message said it."""

    kind: str
    what: NumberLimit | tuple[str, ...]
    passing: Bool = field(compare=False)
    earlier: bool = False


def constraints_of(intent: Intent, lexicon: Lexicon, said: Intent | None = None) -> list[Constraint]:
    """All constraints of an intent, the one that gives way last first: refusals, then what was `said` by the newest
    message, then what earlier ones said, the newest first. A limit on an unknown column is none."""
    said = said or intent
    constraints = [Constraint("exclude", (term,), ~lexicon.having(term)) for term in intent.exclude]
    groups = [tuple(intent.include)] if intent.either and intent.include else [(term,) for term in intent.include]
    wanted = []
    for group in groups:
        passing = np.zeros(lexicon.n_items, dtype=np.bool_)
        for term in group:
            passing |= lexicon.having(term)
        wanted.append(Constraint("include", group, passing, earlier=not set(group) & set(said.include)))
    for limit in intent.numbers:
        column = lexicon.columns.get(limit.column)
        if column is not None:
            is_earlier = limit not in said.numbers
            wanted.append(Constraint("number", limit, passes(limit, column.values), earlier=is_earlier))
    now = [one for one in wanted if not one.earlier]
    return [*constraints, *now, *reversed([one for one in wanted if one.earlier])]


def without(intent: Intent, gone: Sequence[Constraint]) -> Intent:
    """The intent without what gave way, as far as an earlier message said it: the conversation has moved on."""
    left = [one.what for one in gone if one.earlier]
    terms = {term for what in left if isinstance(what, tuple) for term in what}
    return intent.model_copy(
        update={
            "include": [term for term in intent.include if term not in terms],
            "numbers": [limit for limit in intent.numbers if limit not in left],
        }
    )


def passes(limit: NumberLimit, values: np.ndarray) -> Bool:  # type: ignore[type-arg]
    """(n_items,) which values are within a limit; of NaN none. Prices are compared as the cents that they show."""
    rounded, value = np.round(values, 4), round(limit.value, 4)
    with np.errstate(invalid="ignore"):
        inside: Bool = COMPARE[limit.op](rounded, value) & ~np.isnan(values)
    return inside


def fitting(constraints: Sequence[Constraint], offered: Bool) -> tuple[Bool, list[Constraint]]:
    """(n_items,) the offered items that pass, and the constraints that gave way so that any does.

    What earlier messages said gives way before anything that the newest one said. Of either, one gives way if one is
    enough, the last one first; else as many as it takes from the last one on.
    """
    if (passing := _all(constraints, offered)).any():
        return passing, []
    earlier = [one for one in constraints if one.earlier]
    kept, gone = [one for one in constraints if not one.earlier], list[Constraint]()
    for group in (earlier, kept):
        held = kept if group is earlier else []
        for dropped in reversed(group):
            rest = [*held, *(one for one in group if one is not dropped)]
            if (passing := _all(rest, offered)).any():
                return passing, [*gone, dropped]
        left = list(group)
        while left:
            gone.append(left.pop())
            if (passing := _all([*held, *left], offered)).any():
                return passing, gone
    return offered, gone


def _all(constraints: Sequence[Constraint], offered: Bool) -> Bool:
    passing = offered.copy()
    for constraint in constraints:
        passing &= constraint.passing
    return passing
