"""References to what was shown: "the second one", "more like that"."""

from __future__ import annotations

from collections.abc import Sequence

from models.language.intent.pieces import Piece

ALL = 5  # of the shown items, the best ones, when all of them are meant


def ordinal_item(piece: Piece, shown: Sequence[int]) -> int | None:
    """The shown item at a named place; None: so many were not shown."""
    place = int(piece.meanings["ordinals"])
    if place < 0:
        return shown[-1] if shown else None
    return shown[place - 1] if 0 < place <= len(shown) else None


def more_items(piece: Piece, shown: Sequence[int], liked: Sequence[int]) -> list[int]:
    """The items that "more like that" means: the one that was liked last, else the first shown; "these" are all."""
    if piece.kind == "more_of_all":
        return list(shown[:ALL])
    return [liked[-1]] if liked else list(shown[:1])
