"""MMR: selects items by relevance minus similarity to those already selected, with a cap per category."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from features.arrays import Float32, Int32, Int64
from models.data.types import Catalogue
from models.rerankers.greedy import Filling, VarietyParams, similarities


class MmrParams(VarietyParams):
    """Parameters of the trade-off between accuracy and diversity; `relevance` is lambda."""


class Mmr:
    """argmax λ · relevance - (1 - λ) · greatest similarity to the selected items (Carbonell 1998,
    doi:10.1145/290941.291025).

    Relevance is 1 for the pool's best and 0 for its last; similarity is the cosine of text vectors, at least 0, or the
    share of common tags where there are no vectors. Ties keep the ranker's order.
    """

    Params: ClassVar[type[BaseModel]] = MmrParams

    def __init__(self, params: MmrParams | None = None) -> None:
        self.params = params or MmrParams()

    def order(self, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
        filling = Filling.of(self.params, items, scores, catalogue, k)
        if filling is None:
            return np.arange(min(k, len(items)), dtype=np.int64)
        unlike = 1 - self.params.relevance
        nearest = np.zeros(len(filling.pool), dtype=np.float64)  # from 0 on: what is opposite is only unlike
        like = similarities(filling.pool, catalogue)
        while True:
            taken = filling.take(filling.gain - unlike * nearest, filling.allowed())
            if filling.full:
                return filling.order(len(items), k)
            if unlike > 0:
                np.maximum(nearest, like.to(taken), out=nearest)
