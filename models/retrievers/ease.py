"""EASE: a linear model that predicts each item from all others of a history, learned in closed form."""

from __future__ import annotations

import logging
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32
from features.errors import UserError
from models.compute.threads import one_thread
from models.data.types import Catalogue, Log
from models.retrieval.history_profile import Recency, interactions_matrix
from models.retrieval.item_similarity import ItemToItem, strongest

logger = logging.getLogger(__name__)

MIRRORED_AT_ONCE = 1024  # rows and columns


class EaseParams(Recency):
    """Parameters of EASE."""

    regularization: float = Field(default=300.0, gt=0)
    """L2 regularization; greater shrinks the weights of rare items more. Scale it with the number of users."""
    keep: int | None = Field(default=400, ge=1)
    """Weights kept per item, the greatest by magnitude; null keeps all (n_items² · 8 bytes in the bundle)."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""
    text_weight: float = Field(default=0.0, ge=0)
    """Weight of the items' texts relative to choices. Helps rare items and takes 50% more memory; 0: no texts."""
    max_items: int = Field(default=12_000, ge=1)
    """Maximum items, the most chosen first; memory is 10 · max_items² bytes (1.4 GB), time grows with its cube."""


class Ease(ItemToItem[EaseParams]):
    """B = I - P · diag(1 / P), P = (XᵀX + λI)⁻¹ (Steck 2019, doi:10.1145/3308558.3313710); score = profile · B.

    With texts, X has the text dimensions as additional rows: XᵀX + text_weight · VVᵀ (Jeunen et al. 2020,
    doi:10.1145/3383313.3418480).
    """

    name = "ease"
    Params: ClassVar[type[BaseModel]] = EaseParams

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        counts = np.diff(matrix.tocsc().indptr)
        learned = np.argsort(-counts, kind="stable")[: self.params.max_items]
        learned = np.sort(learned[counts[learned] > 0])
        left = int((counts > 0).sum()) - len(learned)
        if left:
            logger.warning("ease n_items_left_out=%d max_items=%d: the least chosen", left, self.params.max_items)
        gram = _gram(matrix[:, learned])
        if self.params.text_weight > 0 and catalogue.vectors is not None:
            texts = catalogue.vectors[learned].astype(np.float64)
            with one_thread():
                gram += self.params.text_weight * (texts @ texts.T)
        dense = _weights(gram, self.params.regularization)
        row_of_item = np.full(catalogue.n_items, -1, dtype=np.int64)
        row_of_item[learned] = np.arange(len(learned))

        def rows(start: int, stop: int) -> Float32:
            block = np.zeros((stop - start, catalogue.n_items), dtype=np.float32)
            inside = np.flatnonzero(row_of_item[start:stop] >= 0)
            block[np.ix_(inside, learned)] = dense[row_of_item[start:stop][inside]]
            return block

        self.weights_ = strongest(rows, catalogue.n_items, catalogue.n_items, self.params.keep, negative=True)
        return self


def _gram(matrix: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    """(n_items, n_items) float64: number of users that chose both items."""
    gram: npt.NDArray[np.float64] = (matrix.T @ matrix).astype(np.float64).toarray(order="F")
    return gram


def _weights(gram: npt.NDArray[np.float64], regularization: float) -> npt.NDArray[np.float64]:
    """(n_items, n_items) float64 with a diagonal of 0; one BLAS thread, for identical results on every machine."""
    from scipy.linalg import lapack

    if not len(gram):
        return np.zeros((0, 0))
    gram[np.diag_indices_from(gram)] += regularization
    with one_thread():
        factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1)
        if not failed:
            factor, failed = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise UserError(
            f"ease: the item matrix cannot be inverted (LAPACK info {failed}) with regularization {regularization}; "
            "raise retrievers.ease.regularization (params.yaml)"
        )
    for start in range(0, len(factor), MIRRORED_AT_ONCE):  # LAPACK does not write the upper triangle
        stop = start + MIRRORED_AT_ONCE
        corner = factor[start:stop, start:stop]
        upper = np.triu_indices_from(corner, 1)
        corner[upper] = corner.T[upper]
        factor[start:stop, stop:] = factor[stop:, start:stop].T
    weights: npt.NDArray[np.float64] = np.divide(factor, -np.diag(factor)[None, :], out=factor)
    weights[np.diag_indices_from(weights)] = 0.0
    return weights
