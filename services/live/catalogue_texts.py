"""Texts of a release's catalogue, indexed when somebody searches first; items that join are added to the index."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.arrays import Float64
from models.data.tables import WORDS
from models.data.types import Catalogue
from models.language.encoders.words import Words
from models.language.intent.lexicon import Lexicon
from models.language.search.item_search import ItemSearch
from models.language.search.text_index import ItemTexts, TextIndex, labels_of
from services.live.items.live_items import LiveItems

NUMBERS = "numbers.parquet"  # beside the catalogue, where items have further numeric columns


@dataclass(frozen=True)
class CatalogueWords:
    """One form of a catalogue, as texts are looked up in it. search: items by a text; lexicon: what its words mean."""

    search: ItemSearch
    lexicon: Lexicon


class CatalogueTexts:
    """The words of one release; each form of its catalogue, with the items that joined, is indexed once."""

    def __init__(
        self, bundle: Path, keywords: Sequence[Sequence[str]], items: LiveItems, words: Words | None = None
    ) -> None:
        """keywords: of each released item, or empty; words: the bundle's encoder of words, None: it has none."""
        self._bundle, self._keywords, self._items, self._words = bundle, keywords, items, words
        self._lock = threading.Lock()
        self._released: TextIndex | None = None
        self._catalogue: weakref.ref[Catalogue] | None = None
        self._made: CatalogueWords | None = None

    def kept(self, catalogue: Catalogue) -> CatalogueWords | None:
        """The words of a catalogue if they are there already."""
        made, known = self._made, self._catalogue
        return made if known is not None and known() is catalogue else None

    def words(self, catalogue: Catalogue) -> CatalogueWords:
        """The words of a catalogue; the first time that takes some tenths of a second."""
        with self._lock:
            if (kept := self.kept(catalogue)) is not None:
                return kept
            if self._released is None:
                self._released = TextIndex.of(self._released_texts(catalogue))
            index = self._released.with_items(self._added_texts(catalogue))
            search = ItemSearch(index, self._words, catalogue.further.get(WORDS))
            lexicon = Lexicon(catalogue, self._keywords, self._numbers(catalogue.n_items), index.mentions, self._words)
            self._made = CatalogueWords(search, lexicon)
            self._catalogue = weakref.ref(catalogue)
            return self._made

    def keywords_of(self, position: int) -> Sequence[str]:
        """Keywords of an item."""
        return self._keywords[position] if position < len(self._keywords) else ()

    def _numbers(self, n_items: int) -> dict[str, Float64]:
        """Further numeric columns, (n_items,) each; NaN for items that joined."""
        path = self._bundle / "catalogue" / NUMBERS
        if not path.is_file():
            return {}
        frame = pl.read_parquet(path).drop("item_id")
        columns = {}
        for name in frame.columns:
            values = np.full(n_items, np.nan)
            values[: frame.height] = frame[name].fill_null(float("nan")).to_numpy()
            columns[name] = values
        return columns

    def _released_texts(self, catalogue: Catalogue) -> list[ItemTexts]:
        path = self._bundle / "catalogue" / "catalogue.parquet"
        told = pl.read_parquet(path, columns=["title", "description", "tags", "category"])
        return [
            ItemTexts(
                title=title or "",
                description=description or "",
                labels=labels_of(tags or [], category, self.keywords_of(place)),
            )
            for place, (title, description, tags, category) in enumerate(told.iter_rows())
        ]

    def _added_texts(self, catalogue: Catalogue) -> list[ItemTexts]:
        released, categories = self._items.n_released, catalogue.item_categories
        texts = []
        for place in range(released, catalogue.n_items):
            state = self._items.states.get(catalogue.vocabulary.item_ids[place])
            told = str((state.fields.get("description") if state is not None else None) or "")
            labels = labels_of(catalogue.tags[place], categories[place], ())
            texts.append(ItemTexts(title=catalogue.titles[place] or "", description=told, labels=labels))
        return texts
