"""Quantities: numbers with units, and the limits that they set on a numeric column of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.language.intent.decades import is_year
from models.language.intent.intent import NumberLimit, Op
from models.language.intent.lexicon import Column, Lexicon
from models.language.intent.pieces import Piece

ABOUT = 0.15  # how far "about" reaches to both sides, of the value; of a year 2
PASSED_OVER = frozenset(["filler", "than", "mark", "columns"])
OPPOSITE: dict[str, Op] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True)
class Quantity:
    """value: in the role's own unit; role: "" where no unit says; after: the piece after it."""

    value: float
    role: str
    after: int


def quantity_at(pieces: Sequence[Piece], place: int) -> Quantity | None:
    """The number at a place, with the unit behind it or (of money) before it."""
    if pieces[place].kind != "number":
        return None
    value, after = float(pieces[place].value), place + 1
    unit = pieces[after] if after < len(pieces) and pieces[after].has("units") else None
    if unit is not None:
        after += 1
    elif place and pieces[place - 1].has("units"):
        unit = pieces[place - 1]
    if unit is None:
        return Quantity(value, "", after)
    role, factor = str(unit.meanings["units"]).split()
    return Quantity(value * float(factor), role, after)


def limits_at(
    pieces: Sequence[Piece], place: int, lexicon: Lexicon, negated: Sequence[bool]
) -> tuple[list[NumberLimit], int] | None:
    """The limits set by the number at a place, and the piece after what was read; None: it sets none."""
    quantity = quantity_at(pieces, place)
    if quantity is None:
        return None
    before = _before(pieces, place)
    op, role, flips = _operator(pieces, before, quantity, negated)
    if op == "between" or (not op and _range_end(pieces, quantity.after) is not None):
        return _between(pieces, quantity, lexicon, role)
    column = _column(pieces, place, quantity, role, lexicon, has_op=bool(op))
    if column is None:
        return None
    if column.role == "year" and not quantity.role and not is_year(quantity.value):
        return None
    if not op:
        op = "=" if column.role == "year" else "<=" if column.role == "price" else "~"
    if op == "=" and column.role != "year":
        op = "~"
    if flips and op in OPPOSITE:
        op = OPPOSITE[op]
    after = quantity.after
    if after < len(pieces) and pieces[after].has("operators_after"):
        after += 1
    return _limits(column, op, quantity.value / column.factor), after


def _before(pieces: Sequence[Piece], place: int) -> int:
    """The nearest piece before a number that says something; -1: none."""
    number = place - 1
    while number >= 0 and (pieces[number].kind in PASSED_OVER or pieces[number].has("units")):
        if pieces[number].has("operators"):
            break
        number -= 1
    return number


def _operator(
    pieces: Sequence[Piece], before: int, quantity: Quantity, negated: Sequence[bool]
) -> tuple[str, str, bool]:
    """Comparison, role ("" where none is said), and whether a negation turns it round."""
    if quantity.after < len(pieces) and pieces[quantity.after].has("operators_after"):
        op, role = _meaning(pieces[quantity.after].meanings["operators_after"])
        if not (role and quantity.role and role != quantity.role):
            return op, role, False
    if before < 0:
        return "", "", False
    piece = pieces[before]
    for kind in ("comparatives", "operators"):
        if piece.has(kind):
            op, role = _meaning(piece.meanings[kind])
            if role == "year" and quantity.role not in ("", "year"):
                return ("", "", False) if op == "=" else (op, "", negated[before])
            return op, role, negated[before]
    return "", "", False


def _meaning(told: str) -> tuple[str, str]:
    op, _, role = told.partition(",")
    return op.strip(), role.strip()


def _column(
    pieces: Sequence[Piece], place: int, quantity: Quantity, role: str, lexicon: Lexicon, *, has_op: bool
) -> Column | None:
    if quantity.role:
        return lexicon.column(quantity.role)
    if role and (role != "year" or is_year(quantity.value)):
        return lexicon.column(role)
    named = _named(pieces, place, lexicon)
    if named is not None:
        return named
    if is_year(quantity.value) and not has_op and (column := lexicon.column("year")) is not None:
        return column
    return lexicon.column("price") if has_op and not role else None


def _named(pieces: Sequence[Piece], place: int, lexicon: Lexicon) -> Column | None:
    """A column that is named beside a number: before its operator, or after it."""
    for number in (*range(place - 1, max(place - 6, -1), -1), place + 1):
        if not 0 <= number < len(pieces):
            continue
        piece = pieces[number]
        if piece.kind in ("stop", "comma", "number"):
            break
        if piece.has("columns"):
            return lexicon.column(str(piece.meanings["columns"]))
        if piece.kind == "word":
            wanted = str(piece.value)
            found = [one for one in lexicon.columns.values() if wanted in one.name.casefold().replace("_", " ").split()]
            if found:
                return found[0]
    return None


def _range_end(pieces: Sequence[Piece], after: int) -> Quantity | None:
    """The second number of "50 to 100 euros"."""
    while after < len(pieces) and pieces[after].kind == "filler" and not pieces[after].has("to"):
        after += 1
    if after + 1 < len(pieces) and (pieces[after].has("to") and not pieces[after].has("and")):
        return quantity_at(pieces, after + 1)
    return None


def _between(
    pieces: Sequence[Piece], first: Quantity, lexicon: Lexicon, role: str
) -> tuple[list[NumberLimit], int] | None:
    after = first.after
    while after < len(pieces) and not pieces[after].has("to"):
        if pieces[after].kind not in PASSED_OVER:
            return None
        after += 1
    second = quantity_at(pieces, after + 1) if after + 1 < len(pieces) else None
    if second is None:
        return None
    role = second.role or first.role or role
    if not role:
        role = "year" if is_year(first.value) and is_year(second.value) else "price"
    column = lexicon.column(role)
    if column is None:
        return None
    start = first.value if first.role or not second.role else first.value * _factor(pieces, second)
    low, high = sorted((start / column.factor, second.value / column.factor))
    return [*_limits(column, ">=", low), *_limits(column, "<=", high)], second.after


def _factor(pieces: Sequence[Piece], quantity: Quantity) -> float:
    """Of the unit that stands behind the second number alone."""
    return float(str(pieces[quantity.after - 1].meanings["units"]).split()[1])


def _limits(column: Column, op: str, value: float) -> list[NumberLimit]:
    value = round(value, 6)
    if op == "~":
        reach = 2.0 if column.role == "year" else abs(value) * ABOUT
        return [*_limits(column, ">=", value - reach), *_limits(column, "<=", value + reach)]
    return [NumberLimit(column=column.name, op=_op(op), value=value)]


def _op(text: str) -> Op:
    ops: dict[str, Op] = {"<": "<", "<=": "<=", "=": "=", ">=": ">=", ">": ">"}
    return ops[text]
