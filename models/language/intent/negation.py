"""Negation: which pieces of a message are refused."""

from __future__ import annotations

from collections.abc import Sequence

from models.language.intent.pieces import Piece

CONTENT = frozenset(["term", "word", "title", "ordinals", "comparatives", "adjectives", "number", "more", "these"])
ENDS = frozenset(["stop", "break", "wish", "negation"])


def refused(pieces: Sequence[Piece]) -> list[bool]:
    """(n_pieces,) whether each one is refused.

    A negation reaches to the end of its clause: over a list with commas to its last `or`; where nothing follows it in
    the clause ("… mag ich nicht"), back to the beginning of the clause.
    """
    marked = [False] * len(pieces)
    for place, piece in enumerate(pieces):
        if not piece.has("negation"):
            continue
        end = _end(pieces, place + 1)
        if any(one.kind in CONTENT for one in pieces[place + 1 : end]):
            for number in range(place + 1, end):
                marked[number] = True
            continue
        for number in range(place - 1, -1, -1):
            if pieces[number].kind in ("stop", "comma", "break"):
                break
            marked[number] = True
    return marked


def _end(pieces: Sequence[Piece], start: int) -> int:
    for place in range(start, len(pieces)):
        piece = pieces[place]
        if piece.kind in ENDS or (piece.kind == "like" and place > start):
            return place
        if piece.kind == "comma" and not _goes_on(pieces, place + 1):
            return place
    return len(pieces)


def _goes_on(pieces: Sequence[Piece], start: int) -> bool:
    """Whether a list goes on after a comma: a term or word, and an `or` or `and` before the clause ends."""
    if start >= len(pieces) or pieces[start].kind not in ("term", "word"):
        return False
    for piece in pieces[start:]:
        if piece.has("or") or piece.has("and"):
            return True
        if piece.kind in ENDS:
            return False
    return False
