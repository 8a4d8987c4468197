"""Text vectors of posted items for one release: queued for the encoder, centered as those of its catalogue are."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import polars as pl

from features.arrays import Float32, Float64
from features.catalogue_changes.item_tables import as_catalogue
from features.catalogue_changes.text_store import TextStore, key_of
from models.data.types import Catalogue
from models.language.centering import SAMPLE, center_of, units
from services.live.items.live_items import LiveItems


class TextVectors:
    """What the release's catalogue says of its own texts stands for the encoder that made it: a few of them are encoded
    again, and show whether this encoder is that one, and by what its vectors were centered."""

    def __init__(self, store: TextStore, encoder: str, catalogue: Catalogue, bundle: Path) -> None:
        """encoder: its name or path; catalogue: of the bundle, with vectors."""
        self.fault: str | None = None
        self.n_without_room = 0
        self._store, self._encoder = store, encoder
        self._catalogue, self._bundle = catalogue, bundle
        self._center: Float64 | None = None
        self._sample: dict[str, int] | None = None  # key of a text → position
        self._text_of: dict[str, tuple[int, str | None]] = {}  # item → content it was made from, text
        self._vector_of: dict[str, Float32] = {}  # key of a text → unit vector

    def of(self, items: LiveItems, *, queue: bool) -> dict[str, Float32]:
        """Vectors of the added items, as far as they are there; queue: what is missing is to be encoded."""
        keys = self._keys(items)
        texts = {key: text for key, text in keys.values() if key not in self._vector_of}
        if texts:
            if queue:
                self.n_without_room = self._store.want({**texts, **self._sample_texts()})
            if self._calibrated():
                assert self._center is not None
                for key, vector in self._store.vectors(list(texts)).items():
                    unit = units(vector[None].astype(np.float64) - self._center)[0]
                    self._vector_of[key] = unit.astype(np.float32)
        return {item_id: self._vector_of[key] for item_id, (key, _) in keys.items() if key in self._vector_of}

    def n_waiting(self, items: LiveItems, vectors: Collection[str]) -> int:
        """Added items with a text and no vector."""
        return 0 if self.fault else sum(item_id not in vectors for item_id in self._keys(items))

    def refused(self, items: LiveItems) -> dict[str, str]:
        """Added items that cannot be encoded, and why."""
        keys = {key: item_id for item_id, (key, _) in self._keys(items).items() if key not in self._vector_of}
        return {keys[key]: fault for key, fault in self._store.faults(list(keys)).items()}

    def _keys(self, items: LiveItems) -> dict[str, tuple[str, str]]:
        """Added items with a text → its key and the text."""
        states = [items.states[item_id] for item_id in list(items.added)]
        fresh = [state for state in states if self._text_of.get(state.item_id, (0,))[0] != state.seq]
        if fresh:
            texts = as_catalogue(fresh, category_from_tags=True).get_column("text").to_list()
            for state, text in zip(fresh, texts, strict=True):
                self._text_of[state.item_id] = (state.seq, text)
        pairs = {state.item_id: self._text_of[state.item_id][1] for state in states}
        return {item_id: (key_of(self._encoder, text), text) for item_id, text in pairs.items() if text}

    def _sample_texts(self) -> dict[str, str]:
        """Key → text of a few items of the catalogue, spread over it."""
        if self._sample is not None and (self._center is not None or self.fault):
            return {}
        vectors = self._catalogue.vectors
        texts = pl.read_parquet(self._bundle / "catalogue" / "catalogue.parquet", columns=["text"])["text"].to_list()
        described = [place for place, text in enumerate(texts) if text and vectors is not None and vectors[place].any()]
        chosen = [described[n] for n in np.linspace(0, len(described) - 1, min(SAMPLE, len(described))).astype(int)]
        self._sample = {key_of(self._encoder, texts[place]): place for place in chosen}
        return {key: texts[place] for key, place in self._sample.items()}

    def _calibrated(self) -> bool:
        if self._center is None and self.fault is None and self._catalogue.vectors is not None:
            if self._sample is None:
                self._sample_texts()
            sample = self._sample or {}
            raw = self._store.vectors(list(sample))
            if sample and len(raw) == len(sample):
                keys = sorted(raw)
                given = self._catalogue.vectors[[sample[key] for key in keys]]
                try:
                    self._center = center_of(np.array([raw[key] for key in keys]), given)
                except ValueError as error:
                    self.fault = f"new items have no text vector: {error}"
        return self._center is not None
