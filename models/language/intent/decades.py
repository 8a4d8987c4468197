"""Decades and years: "the 80s", "90er Jahre", "九十年代", "2012"."""

from __future__ import annotations

from collections.abc import Sequence

from models.language.intent.intent import NumberLimit
from models.language.intent.lexicon import Column
from models.language.intent.pieces import Piece

EARLIEST, LATEST = 1000, 2199  # of a number that is read as a year
CENTURY_BREAK = 30  # "the 20s" are those of this century, "the 30s" of the last one


def decade_at(pieces: Sequence[Piece], place: int, column: Column | None) -> tuple[list[NumberLimit], int] | None:
    """The limits of a decade that is named at a place, and how many pieces that takes."""
    if column is None:
        return None
    piece = pieces[place]
    if piece.kind == "decades":
        return _decade(column, float(piece.value)), 1
    following = pieces[place + 1] if place + 1 < len(pieces) else None
    if piece.kind != "number" or following is None or not following.has("decade_after"):
        return None
    start = float(piece.value)
    if start % 10:
        return None
    if start < 100:
        start += 2000 if start < CENTURY_BREAK else 1900
    return (_decade(column, start), 2) if EARLIEST <= start <= LATEST else None


def is_year(value: float) -> bool:
    """Whether a bare number may be a year."""
    return EARLIEST <= value <= LATEST and value == int(value)


def _decade(column: Column, start: float) -> list[NumberLimit]:
    return [
        NumberLimit(column=column.name, op=">=", value=start),
        NumberLimit(column=column.name, op="<=", value=start + 9),
    ]
