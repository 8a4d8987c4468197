"""Item similarity: sparse item × item weights, truncated to the top of each row, and scores of a history by them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar, cast

import numpy as np
from pydantic import BaseModel
from scipy import sparse

from features.arrays import Float32, Int32
from models.data.ragged import offsets_of_lengths, owners_of
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Hits, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles
from models.retrieval.topk import CELLS, retrieve_by
from models.single_query.query_plans import Profile, Propagation, QueryPlan, SparseRows

P = TypeVar("P", bound=BaseModel)


class ItemToItem(Generic[P]):
    """Base class of retrievers that learn item × item weights: score = profile · weights.

    Subclasses add Params and `fit`, and `_profile` if their Params do not extend Recency.
    weights_: (n_items, n_items) float32; row i holds the weights from item i of a history to every item.
    """

    name: ClassVar[str]
    Params: ClassVar[type[BaseModel]]
    reason: ClassVar[Reason] = "history"

    def __init__(self, params: P | None = None) -> None:
        self.params = params or cast(P, self.Params())
        self.weights_: sparse.csr_matrix | None = None

    def retrieve(self, queries: Queries, k: int) -> Hits:
        weights = self._learned()
        n_items = weights.shape[0]
        return retrieve_by(lambda part: propagate(self._profile(part, n_items), weights), queries, n_items, k)

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        weights = self._learned()
        profile = self._profile(queries, weights.shape[0])
        past, column = np.unique(profile.indices, return_inverse=True)
        lean = sparse.csr_matrix((profile.data, column, profile.indptr), shape=(len(queries), len(past)))
        return propagate(lean, weights[past][:, items])

    def save(self, folder: Path) -> None:
        write_sparse(self._learned(), folder / "weights.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        params = read_params(folder / PARAMS, f"retrievers.{cls.name}", cls.Params)
        retriever = cls(cast(P, params))
        retriever.weights_ = read_sparse(folder / "weights.safetensors")
        return retriever

    def query_plan(self) -> QueryPlan:
        return Propagation(weights=sparse_rows(self._learned()), profile=self._profile_plan())

    def _profile_plan(self) -> Profile:
        """How one query's `_profile` is computed."""
        assert isinstance(self.params, Recency)
        return self.params.profile_plan()

    def _profile(self, queries: Queries, n_items: int) -> sparse.csr_matrix:
        """(n_queries, n_items) float32: the weight of each item of each history; a row depends only on its query."""
        assert isinstance(self.params, Recency)
        return history_profiles(queries, n_items, self.params)

    def _learned(self) -> sparse.csr_matrix:
        if self.weights_ is None:
            raise NotFittedError(f"{self.name}: asked before it was fitted; call fit or load")
        return self.weights_


def sparse_rows(matrix: sparse.csr_matrix) -> SparseRows:
    """A sparse matrix as the kernels take it."""
    return SparseRows(
        indptr=np.ascontiguousarray(matrix.indptr, dtype=np.int64),
        indices=np.ascontiguousarray(matrix.indices, dtype=np.int32),
        data=np.ascontiguousarray(matrix.data, dtype=np.float32),
    )


def strongest(
    rows: Callable[[int, int], Float32], n_rows: int, n_columns: int, keep: int | None, *, negative: bool = False
) -> sparse.csr_matrix:
    """(n_rows, n_columns) float32: the `keep` greatest positive values of each row, ties by ascending column.

    rows: returns the dense rows start..stop-1; negative: select by magnitude, with negative values; keep None: all.
    """
    size = max(1, CELLS // max(n_columns, 1))
    data, indices, lengths = [], [], []
    for start in range(0, n_rows, size):
        for row in rows(start, min(start + size, n_rows)):
            strength = np.abs(row) if negative else row
            columns = np.flatnonzero(strength > 0)
            if keep is not None and len(columns) > keep:
                values = strength[columns]
                threshold = np.partition(values, len(values) - keep)[len(values) - keep]
                above = columns[values > threshold]
                level = columns[values == threshold][: keep - len(above)]
                columns = np.sort(np.concatenate([above, level]))
            data.append(row[columns].astype(np.float32))
            indices.append(columns.astype(np.int32))
            lengths.append(len(columns))
    matrix = sparse.csr_matrix((n_rows, n_columns), dtype=np.float32)
    matrix.data = np.concatenate(data) if data else np.zeros(0, dtype=np.float32)
    matrix.indices = np.concatenate(indices) if indices else np.zeros(0, dtype=np.int32)
    matrix.indptr = offsets_of_lengths(lengths)
    return matrix


def propagate(profile: sparse.csr_matrix, weights: sparse.csr_matrix) -> Float32:
    """profile · weights as dense rows, -inf where no weight of the profile reaches an item; rows are independent."""
    product = profile @ weights
    scores = np.full(product.shape, -np.inf, dtype=np.float32)
    owners = owners_of(product.indptr)
    scores[owners, product.indices] = product.data
    return scores


def write_sparse(matrix: sparse.csr_matrix, path: Path) -> None:
    """Saves a sparse matrix to one file."""
    shape = np.array(matrix.shape, dtype=np.int64)
    parts = {
        "data": matrix.data.astype(np.float32),
        "indices": matrix.indices.astype(np.int32),
        "indptr": matrix.indptr.astype(np.int64),
        "shape": shape,
    }
    write_arrays(parts, path)


def read_sparse(path: Path) -> sparse.csr_matrix:
    """Loads a sparse matrix exactly as it was saved."""
    parts = read_arrays(path)
    matrix = sparse.csr_matrix(tuple(int(size) for size in parts["shape"]), dtype=np.float32)
    matrix.data, matrix.indices, matrix.indptr = parts["data"], parts["indices"], parts["indptr"]
    return matrix
