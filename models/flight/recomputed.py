"""What the retrievers give for a recorded query today, against what they gave then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.flight.as_known import AsKnown
from models.retrieval.candidates import candidates_of

TOLERANCE = 1e-5  # relative, of scores: single and batch form of a retriever add in another order


@dataclass(frozen=True, kw_only=True)
class RetrieverDifference:
    """One retriever. n_hits: recorded; n_gone, n_new: items that only the record, or only the recomputation offers;
    greatest: relative difference of the scores of items that both offer."""

    name: str
    n_hits: int
    n_gone: int
    n_new: int
    greatest: float

    @property
    def agrees(self) -> bool:
        """Whether it offers the same items with the same scores, to 1e-5."""
        return not self.n_gone and not self.n_new and self.greatest <= TOLERANCE


def recomputed(known: AsKnown) -> list[RetrieverDifference]:
    """A line for each retriever of the record; one that had no time then is left out."""
    record, recommender = known.record, known.recommender
    parts = {
        name: recommender.retrievers[name]
        for name in record.retrievers
        if name in recommender.retrievers and name not in record.left_out
    }
    k = max(recommender.k, int(record.candidates.ranks.max(initial=0)))
    today = candidates_of(parts, known.query(), k, recommender.catalogue.n_items)
    differences = []
    for column, name in enumerate(parts):
        recorded_column = record.retrievers.index(name)
        then = _scores(record.candidates.items, record.candidates.ranks, record.candidates.scores, recorded_column)
        now = _scores(today.item, today.ranks, today.scores, column)
        both = sorted(then.keys() & now.keys())
        first, second = (np.array([scores[item] for item in both]) for scores in (then, now))
        scale = max(float(np.abs(first).max(initial=0.0)), 1e-30)
        differences.append(
            RetrieverDifference(
                name=name,
                n_hits=len(then),
                n_gone=len(then.keys() - now.keys()),
                n_new=len(now.keys() - then.keys()),
                greatest=float(np.abs(first - second).max(initial=0.0)) / scale,
            )
        )
    return differences


def _scores(items: np.ndarray, ranks: np.ndarray, scores: np.ndarray, column: int) -> dict[int, float]:  # type: ignore[type-arg]
    rows = np.flatnonzero(ranks[:, column] > 0)
    return dict(zip(items[rows].tolist(), scores[rows, column].astype(float).tolist(), strict=True))
