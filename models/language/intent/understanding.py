"""Understanding: from a message, the conversation's memory and the catalogue's lexicon to an intent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Bool
from models.language.intent.comparatives import comparison_at, middle
from models.language.intent.decades import decade_at
from models.language.intent.intent import MOST, Intent, Memory, NumberLimit
from models.language.intent.lexicon import Lexicon
from models.language.intent.negation import refused
from models.language.intent.phrase_tables import language_of, phrases_of
from models.language.intent.pieces import Piece, pieces_of
from models.language.intent.quantities import limits_at
from models.language.intent.references import more_items, ordinal_item
from models.language.intent.tokens import plain, tokens_of


def understand(message: str, memory: Memory, lexicon: Lexicon) -> Intent:
    """What one message asks for, by rules alone; the same three always give the same."""
    tokens = tokens_of(plain(message))
    language = language_of(tokens)
    pieces = pieces_of(tokens, lexicon, phrases_of(language))
    shown = [place for place in map(lexicon.position, memory.shown) if place >= 0]
    liked = [place for place in map(lexicon.position, memory.intent.like) if place >= 0]
    return _Reading(pieces, refused(pieces), lexicon, shown, liked).intent(language)


class _Reading:
    """One message while it is read. used: pieces that said something already."""

    def __init__(
        self, pieces: list[Piece], negated: list[bool], lexicon: Lexicon, shown: list[int], liked_before: list[int]
    ) -> None:
        self.pieces, self.negated, self.lexicon = pieces, negated, lexicon
        self.shown, self.liked_before = shown, liked_before
        self.used: set[int] = set()
        self.like: list[int] = []
        self.dislike: list[int] = []
        self.include: list[str] = []
        self.exclude: list[str] = []
        self.numbers: list[NumberLimit] = []
        self.words: list[str] = []
        self.unclear: list[str] = []

    def intent(self, language: str) -> Intent:
        restart = any(piece.kind == "restart" for piece in self.pieces)
        self._read_titles()
        self._read_numbers()
        self._read_terms()
        self._read_comparisons()
        self._read_references()
        ids = self.lexicon.item_ids
        return Intent(
            like=[ids[place] for place in dict.fromkeys(self.like) if place not in self.dislike][:MOST],
            dislike=[ids[place] for place in dict.fromkeys(self.dislike)][:MOST],
            include=[term for term in dict.fromkeys(self.include) if term not in self.exclude][:MOST],
            exclude=list(dict.fromkeys(self.exclude))[:MOST],
            numbers=list(dict.fromkeys(self.numbers))[:MOST],
            text=" ".join(dict.fromkeys(self.words))[:1000],
            either=self._is_either(),
            restart=restart,
            unclear=list(dict.fromkeys(self.unclear))[:MOST],
            language=language,
        )

    def _read_titles(self) -> None:
        for place, piece in enumerate(self.pieces):
            if piece.kind != "title":
                continue
            items: Sequence[int] = piece.value
            if len(items) > 1:
                titles = self.lexicon.titles.titles
                self.unclear += [titles[item] for item in items]
            else:
                (self.dislike if self.negated[place] else self.like).append(items[0])

    def _read_numbers(self) -> None:
        year, place = self.lexicon.column("year"), 0
        while place < len(self.pieces):
            decade = decade_at(self.pieces, place, year)
            limits = None if decade is not None else limits_at(self.pieces, place, self.lexicon, self.negated)
            if decade is not None:
                self.numbers += decade[0]
                self.used |= set(range(place, place + decade[1]))
                place += decade[1]
            elif limits is not None:
                self.numbers += limits[0]
                self.used |= self._read_with(place, limits[1])
                place = limits[1]
            else:
                place += 1

    def _read_with(self, place: int, after: int) -> set[int]:
        """A number, what follows up to `after`, and the comparison before it."""
        used = set(range(place, after))
        for number in range(place - 1, max(place - 4, -1), -1):
            if self.pieces[number].has("comparatives") or self.pieces[number].has("operators"):
                return used | set(range(number, place))
        return used

    def _read_terms(self) -> None:
        places = [place for place, piece in enumerate(self.pieces) if piece.kind == "word" and place not in self.used]
        near = dict(zip(places, self.lexicon.nearest([self.pieces[place].value for place in places]), strict=True))
        for place, piece in enumerate(self.pieces):
            if piece.kind == "term" and place not in self.used:
                (self.exclude if self.negated[place] else self.include).append(piece.value)
            elif (term := near.get(place)) is not None:
                (self.exclude if self.negated[place] else self.include).append(term)
            elif piece.kind == "word" and place not in self.used:
                if self.negated[place]:
                    if self.lexicon.mentions(piece.value).any():
                        self.exclude.append(piece.value)
                else:
                    self.words.append(piece.value)

    def _read_comparisons(self) -> None:
        for place, piece in enumerate(self.pieces):
            if place in self.used:
                continue
            if piece.has("comparatives"):
                limits, used = comparison_at(
                    self.pieces, place, self.lexicon, self.shown, self.like, negated=self.negated[place]
                )
                self.numbers += limits
                self.used |= used
            elif piece.kind == "adjectives":
                op, _, role = str(piece.value).partition(",")
                column = self.lexicon.column(role.strip())
                if column is not None:
                    self.numbers += middle(column, op.strip(), self._among(), negated=self.negated[place])

    def _among(self) -> Bool:
        among = np.ones(self.lexicon.n_items, dtype=np.bool_)
        for term in self.include:
            among &= self.lexicon.having(term)
        return among if among.any() else np.ones(self.lexicon.n_items, dtype=np.bool_)

    def _read_references(self) -> None:
        for place, piece in enumerate(self.pieces):
            if place in self.used:
                continue
            if piece.kind == "ordinals":
                item = ordinal_item(piece, self.shown)
                if item is not None:
                    (self.dislike if self.negated[place] else self.like).append(item)
            elif piece.kind in ("more", "more_of_all") and not self.like:
                items = more_items(piece, self.shown, self.liked_before)
                (self.dislike if self.negated[place] else self.like).extend(items)
            elif piece.kind == "these" and self.negated[place]:
                self.dislike += self.shown

    def _is_either(self) -> bool:
        kinds = [
            (piece.kind, piece.has("or"))
            for place, piece in enumerate(self.pieces)
            if piece.kind in ("term", "or") and not self.negated[place]
        ]
        return any(is_or for _, is_or in kinds) and len(self.include) > 1
