"""Item kNN: items chosen by the same users as the history's items, or with the same tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32, Float64, Int64
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

    def statistics(self, log: Log, catalogue: Catalogue) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """See models/additive/learns_additively.py: products of the columns, their sums and squares, and users."""
        if self.params.similarity == "jaccard_tags":
            return None, {}
        matrix = interactions_matrix(log, catalogue.n_items).astype(np.float64)
        return _without_diagonal(matrix.T.tocsr() @ matrix), _sums(matrix, log.n_users)

    def change(
        self, before: Log, after: Log, catalogue: Catalogue
    ) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """A'ᵀA' - AᵀA = DᵀA' + AᵀD with D = A' - A, which has an entry for each new item of a user alone."""
        old, new = (interactions_matrix(log, catalogue.n_items).astype(np.float64) for log in (before, after))
        more = new - old
        products = more.T.tocsr() @ new + old.T.tocsr() @ more
        sums, less = _sums(new, _n_with_rows(after)), _sums(old, _n_with_rows(before))
        return _without_diagonal(products), {name: values - less[name] for name, values in sums.items()}

    def learned(
        self,
        sums: Mapping[str, Float64],
        weighted: Callable[..., sparse.csr_matrix],
        catalogue: Catalogue,
        later: int,
    ) -> Self:
        n, squares = max(float(sums["n_users"][0]), 1.0), sums["squares"]
        pearson = self.params.similarity == "pearson"
        means = sums["sums"] / n if pearson else None
        lengths = np.sqrt(squares if means is None else np.maximum(squares - n * means**2, 0.0))
        part = type(self)(self.params)
        part.weights_ = weighted(
            lengths, lengths, shrinkage=self.params.shrinkage, keep=self.params.neighbors, means=means, n=n
        )
        return part

    def lasting_days(self) -> float:
        return float("inf")

    def n_pairs(self, n_events: Int64) -> Int64:
        return n_events**2


def _without_diagonal(products: sparse.csr_matrix) -> sparse.csr_matrix:
    return products - sparse.diags(products.diagonal(), format="csr")


def _sums(matrix: sparse.csr_matrix, n_users: int) -> dict[str, Float64]:
    return {
        "sums": np.asarray(matrix.sum(axis=0)).ravel(),
        "squares": np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel(),
        "n_users": np.array([float(n_users)]),
    }


def _n_with_rows(log: Log) -> int:
    return len(np.unique(log.users))


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
