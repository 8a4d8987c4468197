"""Oracle: a retriever that knows a simulated world's truth; the ceiling that figures are printed beside, and with
noise a recommender of known quality for tests of gates."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32
from features.files import write_text
from features.simulation.parameters import Params as World
from features.simulation.truth import Truth
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.retrieval.topk import retrieve_by


class OracleParams(BaseModel):
    """Which world's truth, and how clearly the oracle sees it."""

    model_config = ConfigDict(extra="forbid")

    world: World = World()
    """Params of the world, as in section source.simulator."""
    by: Literal["demand", "preference"] = "demand"
    """`demand`: what people will choose, fashion and popularity included; `preference`: what they like best."""
    noise: float = Field(0.0, ge=0)
    """Standard deviation of the error of each log score: the same noise with two seeds makes two equal recommenders."""
    seed: int = Field(0, ge=0)
    """Of the noise."""


class Oracle:
    """score = log of the true demand (or preference) at the query's instant + noise; strangers get what is popular."""

    Params: ClassVar[type[BaseModel]] = OracleParams

    def __init__(self, params: OracleParams | None = None, truth: Truth | None = None) -> None:
        self.params = params or OracleParams()
        self._truth = truth
        self.item_ids_: list[str] | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        """Learns nothing but the order of the vocabulary."""
        self.item_ids_ = list(catalogue.vocabulary.item_ids)
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        if self.item_ids_ is None:
            raise NotFittedError("oracle: asked before it was fitted; call fit or load")
        if self._truth is None:
            self._truth = Truth.of(self.params.world)
        return retrieve_by(self._scores, queries, len(self.item_ids_), k)

    def save(self, folder: Path) -> None:
        if self.item_ids_ is None:
            raise NotFittedError("oracle: nothing to save before it was fitted")
        write_params(self.params, folder / PARAMS)
        write_text("\n".join(self.item_ids_) + "\n", folder / "items.txt")

    @classmethod
    def load(cls, folder: Path) -> Self:
        oracle = cls(read_params(folder / PARAMS, "oracle", OracleParams))
        oracle.item_ids_ = (folder / "items.txt").read_text(encoding="utf-8").split("\n")[:-1]
        return oracle

    def _scores(self, queries: Queries) -> Float32:
        assert self.item_ids_ is not None and self._truth is not None
        truth = self._truth
        known_items = {item_id: position for position, item_id in enumerate(truth.item_ids)}
        places = np.array([known_items.get(item_id, -1) for item_id in self.item_ids_], dtype=np.int64)
        people = set(truth.user_ids)
        scores = np.zeros((len(queries), len(truth.item_ids)))
        for at in np.unique(queries.at):
            rows = np.flatnonzero(queries.at == at)
            rows_of_people = [row for row in rows if str(queries.user_ids[row]) in people]
            scores[rows] = truth.popularity(int(at))
            if rows_of_people:
                user_ids = [str(user_id) for user_id in queries.user_ids[rows_of_people]]
                scores[rows_of_people] = (
                    truth.demand(user_ids, int(at))
                    if self.params.by == "demand"
                    else truth.preferences(user_ids, int(at))
                )
        with np.errstate(divide="ignore"):
            scores = np.log(scores)
        if self.params.noise:
            for row, user_id in enumerate(queries.user_ids):
                scores[row] += self.params.noise * self._error(str(user_id), scores.shape[1])
        scores_in_order: Float32 = np.where(places >= 0, scores[:, places], -np.inf).astype(np.float32)
        return scores_in_order

    def _error(self, user_id: str, n_items: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The user's own errors: the same in every batch."""
        words = np.frombuffer(user_id.encode(), dtype=np.uint8).tolist()
        return np.random.default_rng(np.random.SeedSequence([self.params.seed, *words])).standard_normal(n_items)
