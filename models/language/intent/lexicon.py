"""Lexicon: the words of one catalogue that a message may use: titles, tags, categories, keywords, numeric columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Float64
from models.data.types import UNKNOWN_TIME, Catalogue
from models.language.encoders.words import Words
from models.language.grounding import ordinary_words
from models.language.intent.title_matching import Titles
from models.language.intent.tokens import key_of, stemmed_keys
from models.language.search.term_vectors import TermVectors

ROLES = {
    "price": ("price", "cost"),
    "duration": ("duration", "runtime", "minutes", "playtime", "length_min"),
    "weight": ("weight", "mass"),
    "length": ("length", "height", "width", "size"),
    "pages": ("pages", "page"),
    "volume": ("volume", "capacity"),
    "year": ("year", "released"),
    "rating": ("rating", "stars", "score"),
}
_UNITS = {"kg": 1000.0, "g": 1.0, "lb": 453.592, "oz": 28.3495, "min": 1.0, "minutes": 1.0, "h": 60.0, "hours": 60.0}
_UNITS |= {"s": 1 / 60, "seconds": 1 / 60, "mm": 0.1, "cm": 1.0, "m": 100.0, "ml": 1.0, "l": 1000.0}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A numeric column. role: what units and comparisons speak of; factor: of the role's own unit in one of it;
    values: (n_items,) NaN where unknown."""

    name: str
    role: str
    factor: float
    values: Float64


class Lexicon:
    """What a catalogue says of its items, as constraints and as words; not changed after it was made."""

    def __init__(
        self,
        catalogue: Catalogue,
        keywords: Sequence[Sequence[str]],
        numbers: Mapping[str, Float64],
        mentions: Callable[[str], Bool],
        words: Words | None = None,
    ) -> None:
        """keywords: of the first items, or empty; numbers: further columns, (n_items,) each; mentions: which items have
        a word in their text; words: the encoder that finds the term a word is near to, None: no word is."""
        self.item_ids, self.n_items = catalogue.vocabulary.item_ids, catalogue.n_items
        self.titles = Titles(catalogue.titles)
        self.position, self.mentions = catalogue.vocabulary.position, mentions
        self.categories = frozenset(catalogue.category_names)
        self._having: dict[str, set[int]] = {}
        self.terms: dict[tuple[str, ...], str] = {}
        given = zip(catalogue.item_categories, catalogue.tags, strict=True)
        for place, (category, tags) in enumerate(given):
            self._add(place, [*([category] if category else []), *tags])
        self.named = frozenset(self._having)  # tags and categories: what the catalogue itself calls things
        for place, of_item in enumerate(keywords[: self.n_items]):
            self._add(
                place, [word for word in of_item if word in self.named or word.casefold() not in ordinary_words()]
            )
        names = sorted(self._having, key=lambda name: (name not in self.categories, name not in self.named, name))
        for name in names:
            self.terms.setdefault(key_of(name), name)
        for name in names:
            for key in stemmed_keys(name):
                self.terms.setdefault(key, name)
        self.longest_term = max(map(len, self.terms), default=1)
        self.columns = _columns(catalogue, numbers)
        self._vectors = None if words is None else TermVectors(words, sorted(self.named))

    def term(self, keys: Iterable[tuple[str, ...]]) -> str | None:
        """The tag, category or keyword of a key."""
        return next((self.terms[key] for key in keys if key in self.terms), None)

    def nearest(self, words: Sequence[str]) -> list[str | None]:
        """The tag or category that each word is near to, as far as there is one."""
        return [None] * len(words) if self._vectors is None else self._vectors.nearest(words)

    def column(self, role: str) -> Column | None:
        """The first column of a role."""
        return next((column for column in self.columns.values() if column.role == role), None)

    def having(self, term: str) -> Bool:
        """(n_items,) which items have a tag, category or keyword, or else mention a word."""
        if term not in self._having:
            return self.mentions(term)
        mask = np.zeros(self.n_items, dtype=np.bool_)
        mask[list(self._having[term])] = True
        return mask

    def is_known(self, term: str) -> bool:
        """Whether a term is a tag, category or keyword."""
        return term in self._having

    def _add(self, place: int, names: Iterable[str]) -> None:
        for name in names:
            self._having.setdefault(name, set()).add(place)


def _columns(catalogue: Catalogue, numbers: Mapping[str, Float64]) -> dict[str, Column]:
    found: dict[str, Float64] = {
        "price": np.asarray(np.round(catalogue.prices, 4), dtype=np.float64).round(4),
        **numbers,
    }
    found = {name: values for name, values in found.items() if not np.isnan(values).all()}
    columns = {name: _column(name, values) for name, values in found.items()}
    if not any(column.role == "year" for column in columns.values()):
        known = catalogue.created_at != UNKNOWN_TIME
        if known.any():
            days = np.where(known, catalogue.created_at, 0).astype("datetime64[us]")
            years = days.astype("datetime64[Y]").astype(np.int64) + 1970.0
            columns["year"] = _column("year", np.where(known, years, np.nan))
    return columns


def _column(name: str, values: Float64) -> Column:
    parts = re.split(r"[\W_]+", name.casefold())
    role = next((role for role, words in ROLES.items() if any(w in parts or w == name.casefold() for w in words)), name)
    return Column(name=name, role=role, factor=_UNITS.get(parts[-1], 1.0), values=values)
