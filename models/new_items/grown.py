"""Grown catalogue and recommender: those of a bundle, followed by items that were posted later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from features.arrays import Float32
from models.data.types import UNKNOWN_TIME, Catalogue
from models.data.vocabulary import Vocabulary
from models.interfaces import AddsItems
from models.language.encoders.words import Words
from models.new_items.released_part import ReleasedPart
from models.online.online_recommender import OnlineRecommender
from models.recommender import Recommender


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """Items to join: `added`, in the order of their positions, and `changed`, newer facts of items of the bundle.

    Both are rows of CATALOGUE; what a row of `changed` leaves null is as the bundle has it, where `cleared` does not
    name the field. vectors: item id → (size,) unit row of its text; items without one have none yet; words: the
    encoder of words of the bundle, None: it has none.
    """

    added: pl.DataFrame
    changed: pl.DataFrame
    cleared: Mapping[str, Sequence[str]]
    vectors: Mapping[str, Float32]
    words: Words | None = None


class Growing:
    """A bundle's recommender, and what it grows into; each result stands for itself, and the bundle's stays as it is.

    Retrievers that can add items (`AddsItems`) do; the others step aside for the newer ones.
    """

    def __init__(self, released: Recommender, online: OnlineRecommender) -> None:
        """online: the prepared form of `released`, whose parts go on in the grown ones."""
        self.released, self._online = released, online

    def grown(self, rows: NewRows) -> Recommender:
        """The recommender with these items after its own."""
        catalogue = grown_catalogue(self.released.catalogue, rows)
        more = catalogue.n_items - self.released.catalogue.n_items
        if not more:
            return replace(self.released, catalogue=catalogue)
        texts = rows.added.get_column("text").to_list()
        further = {} if rows.words is None else {"words": rows.words.encode(texts)}
        word_parts = None if rows.words is None else rows.words.encode_parts(texts)
        vectors = self._new_vectors(rows)
        parts = {
            name: part.add_items(vectors, further, word_parts)
            if isinstance(part, AddsItems)
            else ReleasedPart(part, self.released.catalogue.n_items, *self._online.forms_of(name))
            for name, part in self.released.retrievers.items()
        }
        return replace(self.released, catalogue=catalogue, retrievers=parts)

    def _new_vectors(self, rows: NewRows) -> Float32:
        """(n_added, size), zero rows where there is none."""
        released = self.released.catalogue.vectors
        size = 1 if released is None else released.shape[1]
        vectors = np.zeros((rows.added.height, size), dtype=np.float32)
        for row, item_id in enumerate(rows.added.get_column("item_id")):
            vector = rows.vectors.get(item_id)
            if vector is not None and len(vector) == size:
                vectors[row] = vector
        return vectors


def grown_catalogue(catalogue: Catalogue, rows: NewRows) -> Catalogue:
    """A bundle's catalogue with newer facts of its items, and further items after them.

    Categories that the bundle does not know come after its own, so that codes keep their meaning.
    """
    item_ids = [*catalogue.vocabulary.item_ids, *rows.added.get_column("item_id").to_list()]
    n_released, n_items = catalogue.n_items, len(item_ids)
    titles, tags = [*catalogue.titles], [*catalogue.tags]
    names = [*catalogue.category_names]
    code_of = {name: code for code, name in enumerate(names)}
    categories = _longer(catalogue.categories, n_items, -1)
    prices = _longer(catalogue.prices, n_items, np.nan)
    created_at = _longer(catalogue.created_at, n_items, UNKNOWN_TIME)
    titles += [None] * (n_items - n_released)
    tags += [[] for _ in range(n_items - n_released)]
    changed_ids = rows.changed.get_column("item_id").to_list()
    position_of = dict(zip(changed_ids, catalogue.vocabulary.positions(changed_ids).tolist(), strict=True))
    position_of |= {item_id: n_released + row for row, item_id in enumerate(item_ids[n_released:])}
    for frame in (rows.changed, rows.added):
        instants = frame.get_column("created_at").dt.epoch("us").to_list()
        for row, created in zip(frame.iter_rows(named=True), instants, strict=True):
            position = position_of[row["item_id"]]
            cleared = rows.cleared.get(row["item_id"], ())
            if row["title"] is not None or "title" in cleared:
                titles[position] = row["title"]
            if row["tags"] is not None or "tags" in cleared:
                tags[position] = list(row["tags"] or [])
            if row["category"] is not None or "category" in cleared:
                name = row["category"]
                if name is not None and name not in code_of:
                    code_of[name] = len(names)
                    names.append(name)
                categories[position] = -1 if name is None else code_of[name]
            if row["price"] is not None or "price" in cleared:
                prices[position] = np.nan if row["price"] is None else row["price"]
            if created is not None or "created_at" in cleared:
                created_at[position] = UNKNOWN_TIME if created is None else created
    vectors = catalogue.vectors
    if vectors is not None and n_items > n_released:
        fresh = [rows.vectors.get(item_id) for item_id in item_ids[n_released:]]
        size = vectors.shape[1]
        fitting = [np.zeros(size) if vector is None or len(vector) != size else vector for vector in fresh]
        vectors = np.concatenate([vectors, np.array(fitting, dtype=np.float32).reshape(-1, size)])
    return Catalogue(
        vocabulary=Vocabulary(item_ids) if n_items > n_released else catalogue.vocabulary,
        titles=titles,
        tags=tags,
        category_names=names,
        categories=categories,
        prices=prices,
        created_at=created_at,
        vectors=vectors,
        offered=catalogue.offered,
    )


def _longer(values: np.ndarray, n: int, filling: float) -> np.ndarray:  # type: ignore[type-arg]
    longer = np.full(n, filling, dtype=values.dtype)
    longer[: len(values)] = values
    return longer
