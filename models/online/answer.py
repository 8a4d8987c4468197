"""The answer to one query, with all that led to it: what is recorded, replayed and explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Int32, Int64
from models.data.types import Slate
from models.retrieval.candidates import FUSION_CONSTANT, reciprocal_ranks


@dataclass(frozen=True, kw_only=True)
class OneCandidates:
    """The proposals of all retrievers for one query, one row an item, ascending by position.

    items: (n,); scores: (n, n_retrievers) NaN where not offered; ranks: (n, n_retrievers) from 1, 0 where not offered.
    """

    items: Int32
    scores: Float32
    ranks: Int32

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, kw_only=True)
class OneAnswer:
    """What is shown to one query, and why.

    features: (n_candidates, n_features) by which the ranker scored, empty where it was left out; scores:
    (n_candidates,); shown: (n_shown,) rows of the candidates, in the order shown; propensities: (n_shown,) chance of
    each place's item given those above it, or None where nothing was drawn; left_out: stages and retrievers that the
    deadline left no time for; stage_ms: milliseconds of each stage.
    """

    retrievers: tuple[str, ...]
    candidates: OneCandidates
    features: Float32
    scores: Float32
    shown: Int64
    propensities: Float32 | None
    left_out: tuple[str, ...]
    stage_ms: dict[str, float]

    @property
    def items(self) -> Int32:
        """(n_shown,) positions of the items, in the order shown."""
        return self.candidates.items[self.shown]

    def slate(self, k: int) -> Slate:
        """The same list as a batch of one."""
        ranks = self.candidates.ranks[self.shown]
        contributions = np.where(ranks > 0, reciprocal_ranks(ranks, FUSION_CONSTANT), np.float32(np.nan))
        n_shown = len(self.shown)
        slate = Slate(
            items=np.full((1, k), -1, dtype=np.int32),
            scores=np.zeros((1, k), dtype=np.float32),
            sources=np.full((1, k, len(self.retrievers)), np.nan, dtype=np.float32),
            retrievers=self.retrievers,
            propensities=None if self.propensities is None else np.ones((1, k), dtype=np.float32),
        )
        slate.items[0, :n_shown] = self.items
        slate.scores[0, :n_shown] = self.scores[self.shown]
        slate.sources[0, :n_shown] = contributions
        if slate.propensities is not None and self.propensities is not None:
            slate.propensities[0, :n_shown] = self.propensities
        return slate
