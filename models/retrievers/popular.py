"""Popular: what was chosen most, an old choice counting less; the same for everyone, new users included."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.schema import write_text
from models.arrays import read_arrays, write_arrays
from models.interfaces import MICROSECONDS_A_DAY, Catalogue, Float32, Hits, Log, NotFittedError, Queries
from models.retrieval import no_hits


class PopularParams(BaseModel):
    """What popular depends on."""

    model_config = ConfigDict(extra="forbid")

    half_life_days: float | None = Field(default=7.0, gt=0)
    """A choice counts half after so many days: shorter follows fashion, longer is steadier; null: never ages."""


class Popular:
    """score = Σ trust · 2^(-age / half life) over the users who chose the item, each by their weightiest choice."""

    Params: ClassVar[type[BaseModel]] = PopularParams

    def __init__(self, params: PopularParams | None = None) -> None:
        self.params = params or PopularParams()
        self.scores_: Float32 | None = None
        self._order: npt.NDArray[np.int32] | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        weights = log.weights.astype(np.float64)
        if self.params.half_life_days is not None:
            age = np.maximum(log.at - log.times, 0) / MICROSECONDS_A_DAY
            weights *= np.exp2(-age / self.params.half_life_days)
        keys = log.users.astype(np.int64) * catalogue.n_items + log.items
        order = np.lexsort((weights, keys))
        greatest = np.ones(len(order), dtype=np.bool_)
        greatest[:-1] = keys[order][1:] != keys[order][:-1]
        rows = order[greatest]
        scores = np.bincount(log.items[rows], weights[rows], minlength=catalogue.n_items)
        self._learn(scores.astype(np.float32))
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        if self.scores_ is None or self._order is None:
            raise NotFittedError("popular: asked before it was fitted; call fit or load")
        hits = no_hits(len(queries), k)
        order = self._order if queries.barred is None else self._order[~queries.barred[self._order]]
        for query in range(len(queries)):
            excluded = queries.excluded[queries.excluded_offsets[query] : queries.excluded_offsets[query + 1]]
            offered = order[: k + len(excluded)]
            if len(excluded):
                place = np.minimum(np.searchsorted(excluded, offered), len(excluded) - 1)
                offered = offered[excluded[place] != offered]
            offered = offered[:k]
            hits.items[query, : len(offered)] = offered
            hits.scores[query, : len(offered)] = self.scores_[offered]
        return hits

    def save(self, folder: Path) -> None:
        if self.scores_ is None:
            raise NotFittedError("popular: nothing to save before it was fitted")
        write_arrays({"scores": self.scores_}, folder / "scores.safetensors")
        write_text(self.params.model_dump_json(indent=1) + "\n", folder / "params.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        popular = cls(PopularParams.model_validate_json((folder / "params.json").read_text(encoding="utf-8")))
        popular._learn(read_arrays(folder / "scores.safetensors")["scores"])
        return popular

    def _learn(self, scores: Float32) -> None:
        self.scores_ = scores
        order = np.argsort(-scores, kind="stable")
        self._order = order[scores[order] > 0].astype(np.int32)
