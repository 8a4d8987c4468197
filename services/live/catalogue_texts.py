"""Texts of a release's catalogue, indexed when somebody searches first; items that join are added to the index."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from models.data.tables import WORDS
from models.data.types import Catalogue
from models.language.encoders.words import Words
from models.language.search.item_search import ItemSearch
from models.language.search.text_index import ItemTexts, TextIndex, labels_of
from services.live.items.live_items import LiveItems


class CatalogueTexts:
    """The search over one release; each form of its catalogue, with the items that joined, is indexed once."""

    def __init__(
        self, bundle: Path, keywords: Sequence[Sequence[str]], items: LiveItems, words: Words | None = None
    ) -> None:
        """keywords: of each released item, or empty; words: the bundle's encoder of words, None: it has none."""
        self._bundle, self._keywords, self._items, self._words = bundle, keywords, items, words
        self._lock = threading.Lock()
        self._released: TextIndex | None = None
        self._catalogue: weakref.ref[Catalogue] | None = None
        self._search: ItemSearch | None = None

    def kept(self, catalogue: Catalogue) -> ItemSearch | None:
        """The search over a catalogue if it is there already."""
        search, known = self._search, self._catalogue
        return search if known is not None and known() is catalogue else None

    def search(self, catalogue: Catalogue) -> ItemSearch:
        """The search over a catalogue; the first time that takes some tenths of a second."""
        with self._lock:
            if (kept := self.kept(catalogue)) is not None:
                return kept
            if self._released is None:
                self._released = TextIndex.of(self._released_texts(catalogue))
            index = self._released.with_items(self._added_texts(catalogue))
            self._search = ItemSearch(index, self._words, catalogue.further.get(WORDS))
            self._catalogue = weakref.ref(catalogue)
            return self._search

    def keywords_of(self, position: int) -> Sequence[str]:
        """Keywords of an item."""
        return self._keywords[position] if position < len(self._keywords) else ()

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
