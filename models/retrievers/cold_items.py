"""Cold items: retrieves items with few or no choices by their text and by the choices of their textual neighbors."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32, Int32
from models.compute.threads import one_thread
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles, interactions_matrix
from models.retrieval.item_similarity import strongest
from models.retrieval.topk import no_hits, retrieve_by
from models.retrieval.truncated_svd import truncated_svd

logger = logging.getLogger(__name__)


class ColdItemsParams(Recency):
    """Parameters of the cold-item retriever."""

    max_users: int = Field(default=5, ge=0)
    """Items chosen by more users are warm: they train this retriever but are not returned; 0: only unseen items."""
    offered: int = Field(default=20, ge=1)
    """Maximum number per query: most cold items stay cold, and each candidate costs ranking time."""
    collaborative: float = Field(default=0.6, ge=0)
    """Weight of the collaborative score from textual neighbors, relative to 1 for text; 0: only text and demand."""
    popularity_prior: float = Field(default=0.2, gt=0)
    """Weight of the popularity predicted from the text (its z-score over the cold items)."""
    neighbors: int = Field(default=80, ge=1)
    """Nearest items by text that a cold item's components are averaged over; more are more stable and less specific."""
    n_components: int = Field(default=128, ge=1)
    """Components of the SVD of choices. More separate finer tastes and fit noise."""
    damping: float = Field(default=0.5, ge=0, le=1)
    """Each item's column is divided by this power of its norm: 0 favors popular items, 1 is neutral."""
    spectral_power: float = Field(default=0.5, ge=0)
    """Exponent of the singular value in a component's weight: 0 weights all equally, higher favors the first."""
    regularization: float = Field(default=10.0, gt=0)
    """L2 regularization of the regression of demand on texts; higher predicts similar demand for all items."""
    seed: int = 1
    """Seed of the initial random projection."""


class ColdItems:
    """score = z(text) + collaborative · z(carried) + popularity_prior · z(expected demand)

    z: standardized over the cold items.
    text: cosine between the item's vector and the weighted mean of the history's. carried: product of SVD components
    of choices (`models/retrieval/truncated_svd.py`); a cold item has the mean of its textual neighbors',
    weighted by cosine³ (attribute-to-factor mapping by neighbors, Gantner et al. 2010, doi:10.1109/ICDM.2010.33).
    Demand: ridge regression of log(1 + users) on the vectors. Users without a usable
    history get no items: popular items serve new users better (ndcg@10 on MovieLens-1M: 0.48 without cold items, 0.30
    with them). cold_: (n_cold,) ascending positions; texts_: (n_items, size of the vectors); directions_:
    (n_items, n_components) float32, zero for untrained items; demand_: (n_cold,) standardized.
    """

    Params: ClassVar[type[BaseModel]] = ColdItemsParams
    reason: ClassVar[Reason] = "history"  # choices propagated over similar texts count too

    def __init__(self, params: ColdItemsParams | None = None) -> None:
        self.params = params or ColdItemsParams()
        self.cold_: Int32 | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        n_users = np.bincount(matrix.indices, minlength=catalogue.n_items)
        texts = catalogue.vectors
        if texts is None:
            texts = np.zeros((catalogue.n_items, 1), dtype=np.float32)
        described = np.asarray(texts.any(axis=1))
        cold = np.flatnonzero(described & (n_users <= self.params.max_users))
        warm = np.flatnonzero(n_users > self.params.max_users)
        if not len(cold):
            logger.warning(
                "cold_items n_cold=0 n_items_with_text=%d max_users=%d: no item with a text is that new, so this "
                "retriever offers nothing",
                described.sum(),
                self.params.max_users,
            )
        chosen = self.params
        warm_vectors = truncated_svd(
            matrix[:, warm], chosen.n_components, chosen.damping, chosen.seed, chosen.spectral_power
        )
        carried = np.zeros((catalogue.n_items, warm_vectors.shape[1]), dtype=np.float32)
        carried[warm] = warm_vectors
        carried[cold] = _carried(texts[cold], texts[warm], chosen.neighbors) @ warm_vectors
        taught = warm[described[warm]]
        demand = _expected(texts[taught], np.log1p(n_users[taught]), texts[cold], chosen.regularization)
        self._learn(cold.astype(np.int32), texts, carried, _standardized(demand))
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        cold = self._learned()
        hits = no_hits(len(queries), k)
        if len(cold):
            offered = retrieve_by(self._scores, queries, len(self.texts_), min(k, self.params.offered))
            hits.items[:, : offered.items.shape[1]] = offered.items
            hits.scores[:, : offered.items.shape[1]] = offered.scores
        return hits

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        self._learned()
        return self._scores(queries)[:, items]

    def save(self, folder: Path) -> None:
        cold = self._learned()
        arrays = {"cold": cold, "texts": self.texts_, "directions": self.directions_, "demand": self.demand_}
        write_arrays(arrays, folder / "cold_items.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        retriever = cls(read_params(folder / PARAMS, "retrievers.cold_items", ColdItemsParams))
        retriever._learn(**read_arrays(folder / "cold_items.safetensors"))
        return retriever

    def _learn(self, cold: Int32, texts: Float32, directions: Float32, demand: Float32) -> None:
        self.cold_, self.texts_, self.directions_, self.demand_ = cold, texts, directions, demand
        self._cold_texts, self._cold_directions = texts[cold], directions[cold]

    def _learned(self) -> Int32:
        if self.cold_ is None:
            raise NotFittedError("cold_items: asked before it was fitted; call fit or load")
        return self.cold_

    def _scores(self, queries: Queries) -> Float32:
        """(n_queries, n_items), -inf for warm items, and for all items if the history is not usable.

        One matrix × vector product per query: unlike a matrix product, its result does not depend on the batch.
        """
        profile = history_profiles(queries, len(self.texts_), self.params)
        means, tastes = profile @ self.texts_, profile @ self.directions_
        scores = np.full((len(queries), len(self.texts_)), -np.inf, dtype=np.float32)
        expected = np.float32(self.params.popularity_prior) * self.demand_
        with one_thread():
            for query, (mean, taste) in enumerate(zip(means, tastes, strict=True)):
                if mean.any() or taste.any():
                    total = _standardized(self._cold_texts @ mean)  # its length cancels out
                    total += np.float32(self.params.collaborative) * _standardized(self._cold_directions @ taste)
                    scores[query, self.cold_] = total + expected
        return scores


def _carried(cold: Float32, warm: Float32, neighbors: int) -> sparse.csr_matrix:
    """(n_cold, n_warm) float32: cosine³ of the nearest items by text; rows sum to 1 or are empty if none is similar."""

    def rows(start: int, stop: int) -> Float32:
        similarities: Float32 = cold[start:stop] @ warm.T
        return similarities

    with one_thread():
        weights = strongest(rows, len(cold), len(warm), neighbors)
    weights.data **= 3
    sums = np.asarray(weights.sum(axis=1), dtype=np.float32).ravel()
    weights.data /= np.repeat(sums, np.diff(weights.indptr))
    return weights


def _expected(taught: Float32, demand: npt.NDArray[np.float64], untaught: Float32, regularization: float) -> Float32:
    """(n_asked,) demand by ridge regression on texts; 0 without training data."""
    if not len(taught):
        return np.zeros(len(untaught), dtype=np.float32)
    texts = taught.astype(np.float64)
    with one_thread():
        gram = texts.T @ texts + regularization * np.eye(texts.shape[1])
        slopes = np.linalg.solve(gram, texts.T @ (demand - demand.mean()))
        expected: Float32 = (untaught.astype(np.float64) @ slopes).astype(np.float32)
    return expected


def _standardized(values: Float32) -> Float32:
    """(n,) float32 with mean 0 and standard deviation 1; zeros if all values are equal."""
    wide = values.astype(np.float64)
    spread = wide.std() if len(wide) else 0.0
    if spread <= 1e-9 * np.abs(wide).max(initial=0.0):
        return np.zeros(len(values), dtype=np.float32)
    scaled: Float32 = ((wide - wide.mean()) / spread).astype(np.float32)
    return scaled
