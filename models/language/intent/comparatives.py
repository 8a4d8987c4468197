"""Comparison: "cheaper", "shorter than the second one", "not too heavy", against what was shown or the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Bool
from models.language.intent.intent import NumberLimit, Op
from models.language.intent.lexicon import Column, Lexicon
from models.language.intent.pieces import Piece
from models.language.intent.references import ordinal_item

NEAR = 5  # pieces between a comparison and what it compares with


def comparison_at(
    pieces: Sequence[Piece],
    place: int,
    lexicon: Lexicon,
    shown: Sequence[int],
    liked: Sequence[int],
    *,
    negated: bool,
) -> tuple[list[NumberLimit], set[int]]:
    """The limit of a comparison without a number, and the pieces that say with what.

    Compared is with an item that is named by its place in the list, with each of "these", with titles of the message,
    else with the middle of what was shown; with nothing shown, with the middle of the catalogue.
    """
    op, _, role = str(pieces[place].meanings["comparatives"]).partition(",")
    column = lexicon.column(role.strip())
    if column is None:
        return [], set()
    used, items, is_each = _reference(pieces, place, shown)
    items = items or list(liked) or list(shown)
    known = column.values[items][~np.isnan(column.values[items])] if items else np.zeros(0)
    if not len(known):
        return middle(column, op.strip(), np.ones(lexicon.n_items, dtype=np.bool_), negated=negated), used
    below = op.strip() == "<"
    value = float((known.min() if below else known.max()) if is_each else np.median(known))
    turned: Op = (">=" if below else "<=") if negated else ("<" if below else ">")
    return [NumberLimit(column=column.name, op=turned, value=value)], used


def middle(column: Column, op: str, among: Bool, *, negated: bool) -> list[NumberLimit]:
    """The limit of "short" or "not too long": the median of the column among some items."""
    known = column.values[among & ~np.isnan(column.values)]
    if not len(known):
        return []
    below = (op == "<") != negated
    return [NumberLimit(column=column.name, op="<=" if below else ">=", value=round(float(np.median(known)), 6))]


def _reference(pieces: Sequence[Piece], place: int, shown: Sequence[int]) -> tuple[set[int], list[int], bool]:
    """Pieces, items, and whether each of them is meant."""
    after = range(place + 1, min(place + 1 + NEAR, len(pieces)))
    before = range(place - 1, max(place - 1 - NEAR, -1), -1)
    for numbers, is_allowed in ((after, True), (before, any(pieces[number].has("than") for number in before))):
        for number in numbers:
            piece = pieces[number]
            if piece.kind in ("stop", "comma", "break") or not is_allowed:
                break
            if piece.has("ordinals"):
                item = ordinal_item(piece, shown)
                return {number}, [] if item is None else [item], True
            if piece.has("these"):
                return {number}, list(shown), True
    return set(), [], False
