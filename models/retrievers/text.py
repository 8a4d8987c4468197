"""Text: items whose descriptions are similar to the history's; includes items without any choices."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel

from features.arrays import Float32, Float64, Int32
from models.compute.threads import one_thread
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles
from models.retrieval.new_rows import appended
from models.retrieval.topk import no_hits, retrieve_by
from models.single_query.query_plans import Projection, QueryPlan

logger = logging.getLogger(__name__)


class TextParams(Recency):
    """Parameters of the text retriever."""


class Text:
    """score = cosine between an item's vector and the weighted mean of the history's vectors (all centered)."""

    Params: ClassVar[type[BaseModel]] = TextParams
    reason: ClassVar[Reason] = "description"

    def __init__(self, params: TextParams | None = None) -> None:
        self.params = params or TextParams()
        self.vectors_: Float32 | None = None
        self._silent: Float32 | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        vectors = catalogue.vectors
        if vectors is None or not vectors.any():
            logger.warning("text n_items_with_text=0: the items carry no text, so this retriever offers nothing")
            vectors = np.zeros((catalogue.n_items, 1), dtype=np.float32)
        self._learn(np.ascontiguousarray(vectors, dtype=np.float32))
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        if self.vectors_ is None:
            raise NotFittedError("text: asked before it was fitted; call fit or load")
        if not self.vectors_.any():
            return no_hits(len(queries), k)
        return retrieve_by(self._scores, queries, len(self.vectors_), k)

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        if self.vectors_ is None:
            raise NotFittedError("text: asked before it was fitted; call fit or load")
        return self._scores(queries, items)

    def add_items(
        self, vectors: Float32, further: Mapping[str, Float32] | None = None, word_parts: Float32 | None = None
    ) -> Self:
        if self.vectors_ is None:
            raise NotFittedError("text: asked before it was fitted; call fit or load")
        more = type(self)(self.params)
        more._learn(appended(self.vectors_, vectors))
        return more

    def query_plan(self) -> QueryPlan:
        if self.vectors_ is None or self._silent is None:
            raise NotFittedError("text: asked before it was fitted; call fit or load")
        return Projection(
            vectors=self.vectors_,
            learned=self._silent == 0,
            profile=self.params.profile_plan(),
            fold=_unit_mean,
            folds=_unit_means,
        )

    def save(self, folder: Path) -> None:
        if self.vectors_ is None:
            raise NotFittedError("text: nothing to save before it was fitted")
        write_arrays({"text": self.vectors_}, folder / "vectors.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        text = cls(read_params(folder / PARAMS, "retrievers.text", TextParams))
        text._learn(read_arrays(folder / "vectors.safetensors")["text"])
        return text

    def _learn(self, vectors: Float32) -> None:
        self.vectors_ = vectors
        self._silent = np.where(vectors.any(axis=1), 0.0, -np.inf).astype(np.float32)

    def _scores(self, queries: Queries, items: Int32 | None = None) -> Float32:
        """One matrix × vector product per query: unlike a matrix product, its result does not depend on the batch."""
        assert self.vectors_ is not None and self._silent is not None
        profile = history_profiles(queries, len(self.vectors_), self.params) @ self.vectors_
        scored = self.vectors_ if items is None else self.vectors_[items]
        silent = self._silent if items is None else self._silent[items]
        scores = np.full((len(queries), len(scored)), -np.inf, dtype=np.float32)
        with one_thread():
            for query, mean in enumerate(profile):
                length = float(np.sqrt((mean.astype(np.float64) ** 2).sum()))
                if length > 0:
                    np.add(scored @ (mean / np.float32(length)), silent, out=scores[query])
        return scores


def _unit_mean(vectors: Float64, weights: Float64) -> Float64 | None:
    """(size,) the weighted mean of a history's vectors, of length 1; None where they cancel out."""
    mean: Float64 = weights @ vectors
    length = float(np.sqrt((mean**2).sum()))
    return mean / length if length > 0 else None


def _unit_means(vectors: Float64, weights: Float64) -> Float64:
    """(n_rows, size) the same for rows of weights, NaN where they cancel out."""
    means: Float64 = weights @ vectors
    lengths = np.sqrt((means**2).sum(axis=1, keepdims=True))
    units: Float64 = np.divide(means, lengths, out=np.full_like(means, np.nan), where=lengths > 0)
    return units
