"""Ranker decorator for newcomers: users without a history keep the order of reciprocal rank fusion."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Float32
from models.interfaces import Scores
from models.ranking.features import N_HISTORY, RANK_PREFIX
from models.retrieval.candidates import FUSION_CONSTANT, reciprocal_ranks


class NewcomersInOrder:
    """A ranker as it serves and as it is judged.

    Rankers learn from users with a history. Reordering popular items for newcomers lost a sixth of their ndcg@10 on the
    log of an online shop. Their score is the plain sum of reciprocal ranks.
    """

    def __init__(self, ranker: Scores, names: tuple[str, ...]) -> None:
        """names: those of the columns of its features; without `n_history` nobody is a newcomer."""
        self.ranker = ranker
        self._n_history = names.index(N_HISTORY) if N_HISTORY in names else None
        self._ranks = [column for column, name in enumerate(names) if name.startswith(RANK_PREFIX)]

    def score(self, features: Float32) -> Float32:
        return self.in_order(features, self.ranker.score(features))

    def newcomers(self, features: Float32) -> Bool | None:
        """(n_rows,) those of newcomers; None: there are none."""
        if self._n_history is None:
            return None
        newcomers: Bool = features[:, self._n_history] == 0
        return newcomers if newcomers.any() else None

    def in_order(self, features: Float32, scores: Float32) -> Float32:
        """Scores (n_rows,): the ranker's, except for the rows of newcomers."""
        newcomers = self.newcomers(features)
        if newcomers is None:
            return scores
        inverse = features[:, self._ranks]
        ranks = np.rint(np.divide(1.0, inverse, out=np.zeros_like(inverse), where=inverse > 0)).astype(np.int32)
        plain = reciprocal_ranks(ranks, FUSION_CONSTANT).sum(axis=1, dtype=np.float32)
        return np.where(newcomers, plain, scores)
