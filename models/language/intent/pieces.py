"""Pieces: a message cut into titles, terms of the catalogue, phrases, numbers, marks, and words that are left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.language.intent.lexicon import Lexicon
from models.language.intent.phrase_tables import Phrases
from models.language.intent.title_matching import ARTICLES
from models.language.intent.tokens import COMMAS, STOPS, Token

LONGEST_CUE = 6  # pieces after "something like" that may be a title
MOST_CUES = 4  # of a message that are followed
YIELDS = frozenset(["filler", "terms", "and", "wish", "adjectives", "numbers", "columns", "break"])
"""Kinds of phrases that give way to a term of the catalogue of the same length."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """kind: `title`, `term`, `number`, `word`, `comma`, `stop`, `mark`, or a kind of phrase; value: item positions of a
    title, name of a term, value of a number, text of a word; start, end: its tokens."""

    kind: str
    start: int
    end: int
    value: Any = None
    meanings: Mapping[str, Any] = field(default_factory=dict)

    def has(self, kind: str) -> bool:
        """Whether it may be a phrase of a kind."""
        return kind in self.meanings


def pieces_of(tokens: list[Token], lexicon: Lexicon, phrases: Phrases) -> list[Piece]:
    """All pieces, in order; what is longer wins, of two alike a title before a term before most phrases."""
    pieces: list[Piece] = []
    start = 0
    while start < len(tokens):
        cued = _is_cued(pieces, tokens)
        piece = _title(tokens, start, lexicon, cued=cued)
        phrase = _phrase(tokens, start, phrases, lexicon)
        term = _term(tokens, start, lexicon)
        if term is not None and (piece is None or term.end > piece.end):
            keeps = (
                phrase is not None and phrase.end >= term.end and not _yields(phrase, term, pieces, lexicon, phrases)
            )
            piece = phrase if keeps else term
        elif phrase is not None and (piece is None or phrase.end > piece.end):
            piece = phrase
        piece = piece or _rest(tokens, start)
        pieces.append(piece)
        start = piece.end
    return _with_misspelled(pieces, tokens, lexicon)


def _yields(phrase: Piece, term: Piece, pieces: Sequence[Piece], lexicon: Lexicon, phrases: Phrases) -> bool:
    """Whether a phrase gives way to a term that is as long: to a keyword only a translation does, to a tag or category
    most small words do; but a small word of another language may look like one, unless it is refused."""
    if phrase.end > term.end or phrase.kind not in YIELDS:
        return False
    if term.value not in lexicon.named:
        return phrase.kind in ("terms", "columns")
    is_refused = bool(pieces) and pieces[-1].has("negation")
    return phrase.kind != "filler" or phrases.language == "en" or is_refused


def _is_cued(pieces: Sequence[Piece], tokens: Sequence[Token]) -> bool:
    """Whether what comes next is named: after `like`, or in quotation marks."""
    last = next((piece for piece in reversed(pieces) if piece.kind != "filler"), None)
    quoted = bool(pieces) and tokens[pieces[-1].start].word in "\"“„«《「'‘"
    return quoted or (last is not None and last.has("like"))


def _title(tokens: list[Token], start: int, lexicon: Lexicon, *, cued: bool) -> Piece | None:
    if tokens[start].is_mark:
        return None
    for end in range(min(len(tokens), start + lexicon.titles.longest), start, -1):
        items = lexicon.titles.exact(tokens[start:end])
        n_words = sum(not token.is_mark and token.word not in ARTICLES for token in tokens[start:end])
        if items and (n_words > 1 or (cued and lexicon.term([(tokens[start].word,)]) is None)):
            return Piece(kind="title", start=start, end=end, value=items)
    return None


def _term(tokens: list[Token], start: int, lexicon: Lexicon) -> Piece | None:
    """The longest term; a category or tag goes before a keyword that only adds words to it, as `book` to `travel`."""
    keyword = None
    for end in range(min(len(tokens), start + lexicon.longest_term), start, -1):
        part = tokens[start:end]
        ways = max(len(token.forms) for token in part)
        keys = [tuple(token.forms[min(way, len(token.forms) - 1)] for token in part) for way in range(min(ways, 2))]
        name = lexicon.term(keys)
        if name is not None and name in lexicon.named:
            return Piece(kind="term", start=start, end=end, value=name)
        if name is not None and keyword is None:
            keyword = Piece(kind="term", start=start, end=end, value=name)
    return keyword


def _phrase(tokens: list[Token], start: int, phrases: Phrases, lexicon: Lexicon) -> Piece | None:
    found = phrases.at(tokens, start)
    if found is None:
        return _compound(tokens, start, phrases, lexicon)
    end, phrase = found
    if phrase.kind == "numbers":
        return Piece(
            kind="number", start=start, end=end, value=float(phrase.meanings["numbers"]), meanings=phrase.meanings
        )
    if phrase.kind == "terms":
        return _translated(start, end, phrase.meanings["terms"], lexicon)
    return Piece(kind=phrase.kind, start=start, end=end, value=phrase.meanings[phrase.kind], meanings=phrase.meanings)


def _translated(start: int, end: int, names: Sequence[str], lexicon: Lexicon) -> Piece:
    """A word that other catalogues call otherwise: as the term of this one, else as a word of texts."""
    known = next((name for name in names if lexicon.term([tuple(name.split())]) or lexicon.is_known(name)), None)
    if known is None:
        return Piece(kind="word", start=start, end=end, value=names[0])
    return Piece(
        kind="term",
        start=start,
        end=end,
        value=known if lexicon.is_known(known) else lexicon.term([tuple(known.split())]),
    )


def _compound(tokens: list[Token], start: int, phrases: Phrases, lexicon: Lexicon) -> Piece | None:
    """A compound with a word for film or book at its end: the first half says what it is about."""
    word = tokens[start].word
    for head in phrases.heads:
        first = word.removesuffix(head)
        if first != word and len(first) > 2:
            for form in (first, first.removesuffix("s"), first.removesuffix("n")):
                found = phrases.at([Token(forms=(form,), number=None, start=0, end=0, capital=False)], 0)
                if found is not None and "terms" in found[1].meanings:
                    return _translated(start, start + 1, found[1].meanings["terms"], lexicon)
    return None


def _rest(tokens: list[Token], start: int) -> Piece:
    token = tokens[start]
    if token.number is not None:
        return Piece(kind="number", start=start, end=start + 1, value=token.number)
    if token.is_mark:
        kind = "stop" if token.word in STOPS else "comma" if token.word in COMMAS else "mark"
        return Piece(kind=kind, start=start, end=start + 1, value=token.word)
    end = start + 1
    return Piece(kind="word", start=start, end=end, value=token.word)


def _with_misspelled(pieces: list[Piece], tokens: list[Token], lexicon: Lexicon, most: int = MOST_CUES) -> list[Piece]:
    """Words after `like` that are no term and no title as written are looked for among the titles."""
    for place, piece in enumerate(pieces):
        if not (piece.has("like") or piece.has("negation")):
            continue
        most -= 1
        if most < 0:
            break
        following = pieces[place + 1 :]
        stop = next(
            (n for n, one in enumerate(following) if one.kind in ("stop", "comma", "break", "title", "wish")),
            len(following),
        )
        span = following[:stop]
        while span and span[0].kind == "filler" and not tokens[span[0].start].capital:
            span = span[1:]
        if not any(one.kind == "word" for one in span) or not span:
            continue
        named = any(tokens[n].capital for one in span for n in range(one.start, one.end))
        if not named and not piece.has("like"):
            continue
        for end in range(min(len(span), LONGEST_CUE), 0, -1):
            part = span[:end]
            if not any(one.kind == "word" for one in part):
                break
            items = lexicon.titles.similar(tokens[part[0].start : part[-1].end])
            if items:
                first = pieces.index(part[0])
                title = Piece(kind="title", start=part[0].start, end=part[-1].end, value=items)
                return _with_misspelled([*pieces[:first], title, *pieces[first + end :]], tokens, lexicon, most)
    return pieces
