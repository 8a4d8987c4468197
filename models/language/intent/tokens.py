"""Tokens: the words, numbers and marks of a message in order, each with the forms by which it is looked up."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from models.language.search.stems import english_stem, german_stem

MOST = 300  # tokens of a message that are read
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)*|[{_HAN}]|[^\W\d_{_HAN}]+(?:['’][^\W\d_{_HAN}]+)*|[^\w\s]")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")  # science-fiction is science fiction
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
STOPS = frozenset(".;!?。！？；\n")
COMMAS = frozenset(",、，:：")


@dataclass(frozen=True, kw_only=True)
class Token:
    """forms: as written in lower case, then its stems; number: its value where it is one; start, end: in the text;
    capital: whether it begins with a capital letter."""

    forms: tuple[str, ...]
    number: float | None
    start: int
    end: int
    capital: bool

    @property
    def word(self) -> str:
        return self.forms[0]

    @property
    def is_mark(self) -> bool:
        return not self.word[0].isalnum()


def plain(text: str) -> str:
    """A message in one form of Unicode, without what is invisible."""
    folded = _HYPHEN.sub(" ", unicodedata.normalize("NFKC", text))
    return "".join(" " if c.isspace() else c for c in folded if c.isspace() or unicodedata.category(c)[0] != "C")


def tokens_of(text: str) -> list[Token]:
    """Of a text as `plain` makes it; in Chinese each character is one."""
    tokens = []
    for match in _TOKEN.finditer(text):
        word = match[0].casefold().replace("’", "'")
        number = _value(word) if word[0].isdigit() else None
        stems = (
            (word, english_stem(word.removesuffix("'s")), german_stem(word))
            if word.isalpha() or "'" in word
            else (word,)
        )
        forms = tuple(dict.fromkeys(stems))
        capital = match[0][0].isupper()
        tokens.append(Token(forms=forms, number=number, start=match.start(), end=match.end(), capital=capital))
        if len(tokens) == MOST:
            break
    return tokens


def key_of(phrase: str) -> tuple[str, ...]:
    """A phrase as a key of a table: its words in lower case."""
    return tuple(token.word for token in tokens_of(plain(phrase)))


def stemmed_keys(phrase: str) -> set[tuple[str, ...]]:
    """The keys under which a phrase is looked up: as written, and stemmed in each way."""
    tokens = tokens_of(plain(phrase))
    ways = max((len(token.forms) for token in tokens), default=0)
    return {tuple(token.forms[min(way, len(token.forms) - 1)] for token in tokens) for way in range(ways)} - {()}


def _value(digits: str) -> float | None:
    """1,299 and 1.299 are thousands, 1,5 and 1.5 are not; None: it is no number."""
    if _THOUSANDS.fullmatch(digits):
        return float(re.sub(r"[.,]", "", digits))
    try:
        value = float(digits.replace(",", "."))
    except ValueError:
        return None
    return value if value < 1e12 else None
