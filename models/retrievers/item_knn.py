"""Item kNN: items chosen by the same users as the history's items, or with the same tags."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32
from models.data.types import Catalogue, Log
from models.retrieval.history_profile import Recency, interactions_matrix
from models.retrieval.item_similarity import ItemToItem, strongest


class ItemKnnParams(Recency):
    """Parameters of item kNN."""

    similarity: Literal["cosine", "pearson", "jaccard_tags"] = "cosine"
    """`cosine` and `pearson` of the items' columns of users; `jaccard_tags`: common tags over all tags of both."""
    neighbors: int = Field(default=20, ge=1)
    """Neighbors kept per item; memory grows linearly, more are less specific."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""
    shrinkage: float = Field(default=20.0, ge=0)
    """Added to the product of norms: shrinks similarities that rest on few users towards 0."""


class ItemKnn(ItemToItem[ItemKnnParams]):
    """score = Σ over the history of weight · similarity (Sarwar et al. 2001, doi:10.1145/371920.372071)."""

    name = "item_knn"
    Params: ClassVar[type[BaseModel]] = ItemKnnParams

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        if self.params.similarity == "jaccard_tags":
            rows: _Jaccard | _Columns = _Jaccard(catalogue)
        else:
            rows = _Columns(log, catalogue.n_items, self.params)
        self.weights_ = strongest(rows, catalogue.n_items, catalogue.n_items, self.params.neighbors)
        return self


class _Columns:
    """Rows of cosine or Pearson similarities between the columns of users × items."""

    def __init__(self, log: Log, n_items: int, params: ItemKnnParams) -> None:
        self.matrix = interactions_matrix(log, n_items)
        self.columns = self.matrix.T.tocsr()
        self.params = params
        squares = np.asarray(self.matrix.multiply(self.matrix).sum(axis=0), dtype=np.float64).ravel()
        n = max(self.matrix.shape[0], 1)
        self.means = np.asarray(self.matrix.sum(axis=0), dtype=np.float64).ravel() / n
        self.n = n
        pearson = params.similarity == "pearson"
        self.lengths = np.sqrt(np.maximum(squares - n * self.means**2, 0.0) if pearson else squares)

    def __call__(self, start: int, stop: int) -> Float32:
        products = (self.columns[start:stop] @ self.matrix).toarray().astype(np.float64)
        if self.params.similarity == "pearson":
            products -= self.n * self.means[start:stop, None] * self.means[None, :]
        lengths = self.lengths[start:stop, None] * self.lengths[None, :] + self.params.shrinkage
        similarities = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
        similarities[np.arange(stop - start), np.arange(start, stop)] = 0.0
        rounded: Float32 = similarities.astype(np.float32)
        return rounded


class _Jaccard:
    """Rows of |common tags| / |tags of either|."""

    def __init__(self, catalogue: Catalogue) -> None:
        names = sorted({tag for tags in catalogue.tags for tag in tags})
        column = {name: number for number, name in enumerate(names)}
        pairs = [(item, column[tag]) for item, tags in enumerate(catalogue.tags) for tag in sorted(set(tags))]
        rows, columns = ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        shape = (catalogue.n_items, len(names))
        self.matrix = sparse.csr_matrix((np.ones(len(pairs), dtype=np.float32), (rows, columns)), shape=shape)
        self.columns = self.matrix.T.tocsr()
        self.n_tags = np.asarray(self.matrix.sum(axis=1), dtype=np.float32).ravel()

    def __call__(self, start: int, stop: int) -> Float32:
        common: Float32 = (self.matrix[start:stop] @ self.columns).toarray()
        either = self.n_tags[start:stop, None] + self.n_tags[None, :] - common
        similarities: Float32 = np.divide(common, either, out=np.zeros_like(common), where=either > 0)
        similarities[np.arange(stop - start), np.arange(start, stop)] = 0.0
        return similarities
