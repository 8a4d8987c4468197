"""Phrase tables: what words of a language do in a message, read from the data files beside this one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.language.intent.tokens import Token, key_of, stemmed_keys

FOLDER = Path(__file__).with_name("phrases")
LANGUAGES = ("en", "de", "zh")
ORDER: tuple[str, ...] = (
    *("restart", "more_of_all", "more", "comparatives", "operators", "operators_after", "units", "negation", "these"),
    *("wish", "like", "break", "or", "ordinals", "decades", "numbers", "adjectives", "columns", "terms", "than", "to"),
    *("and", "decade_after", "filler"),
)
"""Kinds of phrases; of two that are alike and do different things the first one counts."""


@dataclass(frozen=True)
class Phrase:
    """kind: one of ORDER; meanings: every kind that this phrase has → what is said of it there."""

    kind: str
    meanings: Mapping[str, Any]


class Phrases:
    """The phrases of one language, with those of English where it has none of that form."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._table: dict[tuple[str, ...], dict[str, Any]] = {}
        own = _read(language)
        for name in dict.fromkeys([language, "en"]):
            told = _read(name)
            for kind, phrase, meaning in _entries(told):
                keys = stemmed_keys(phrase) if kind in ("terms", "ordinals", "adjectives") else {key_of(phrase)}
                for key in keys:
                    meanings = self._table.setdefault(key, {"_language": name})
                    if meanings["_language"] == name or kind in ("terms", "units"):
                        meanings.setdefault(kind, meaning)
        self._longest = max(map(len, self._table), default=1)
        self.heads = tuple(own.get("heads", ()))
        self.columns = {role: list(names) for role, names in own.get("columns", {}).items()}

    def at(self, tokens: list[Token], start: int) -> tuple[int, Phrase] | None:
        """The longest phrase that begins at a token, and where it ends."""
        for end in range(min(len(tokens), start + self._longest), start, -1):
            part = tokens[start:end]
            for way in range(3 if end - start <= 3 else 1):
                meanings = self._table.get(tuple(token.forms[min(way, len(token.forms) - 1)] for token in part))
                kinds = [kind for kind in ORDER if meanings and kind in meanings]
                if way:
                    kinds = [kind for kind in kinds if kind in ("terms", "ordinals", "adjectives")]
                if kinds and meanings:
                    return end, Phrase(kinds[0], {kind: meanings[kind] for kind in kinds})
        return None


@lru_cache(maxsize=len(LANGUAGES))
def phrases_of(language: str) -> Phrases:
    """The phrases of a language."""
    return Phrases(language)


def language_of(tokens: list[Token]) -> str:
    """The language of a message by its script and its small words; English where nothing tells."""
    if any("\u3400" <= token.word[0] <= "\u9fff" for token in tokens):
        return "zh"
    counts = {name: sum(token.word in _markers(name) for token in tokens) for name in ("en", "de")}
    if counts["de"] == counts["en"]:
        german = any(c in token.word for token in tokens for c in "äöüß")
        known = {name: _knows(tokens, name) for name in ("en", "de")}
        return "de" if known["de"] > known["en"] or (german and known["de"] == known["en"]) else "en"
    return max(counts, key=lambda name: counts[name])


def _knows(tokens: list[Token], language: str) -> int:
    """How many tokens a language has a phrase of one word for."""
    return sum(any(form in _words(language) for form in token.forms) for token in tokens)


@lru_cache(maxsize=len(LANGUAGES))
def _words(language: str) -> frozenset[str]:
    told = _read(language)
    sections = ("operators", "comparatives", "units", "terms", "adjectives", "numbers", "decades", "ordinals")
    words = {word for section in sections for word in told[section]}
    return frozenset(words | {word for phrases in told["phrases"].values() for word in phrases})


@lru_cache(maxsize=len(LANGUAGES))
def _markers(language: str) -> frozenset[str]:
    return frozenset(_read(language)["markers"])


@lru_cache(maxsize=len(LANGUAGES))
def _read(language: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def _entries(told: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(kind, phrase, meaning) of a file."""
    for kind, phrases in told["phrases"].items():
        for phrase in phrases:
            yield kind, phrase, True
    for role, phrases in told["columns"].items():
        for phrase in phrases:
            yield "columns", phrase, role
    for kind in ORDER:
        if kind in told and kind != "columns":
            for phrase, meaning in told[kind].items():
                yield kind, phrase, meaning
