"""Replay: from the recorded features to the list once more, which must be the recorded one to the bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Int64
from features.errors import UserError
from models.exploration import explore, key_of
from models.flight.records.record import FlightRecord
from models.recommender import LONG, Recommender
from models.retrieval.candidates import FUSION_CONSTANT, reciprocal_ranks

RANKER = "ranker"  # in `left_out` of an answer that had no time: its list is the plain fusion of the retrievers


@dataclass(frozen=True)
class Replay:
    """shown: (n_shown,) rows of the candidates; scores: (n_candidates,) scored anew where features are kept;
    differing: (n,) rows whose score differs from the recorded one; same: whether list and scores are the recorded ones
    to the bit."""

    shown: Int64
    scores: Float32
    differing: Int64
    same: bool


def replayed(record: FlightRecord, recommender: Recommender) -> Replay:
    """The list from the recorded features by the ranker, reranker and draws of the release that answered.

    Raises:
        UserError: the list has more than 100 items; such lists are recorded without their candidates. Or it holds items
            that the recommender does not know.
    """
    if record.k > LONG:
        raise UserError(
            f"lists of more than {LONG} items are recorded without their candidates, and cannot be replayed"
        )
    if not knows_items(record, recommender):
        raise UserError(
            f"request {record.request_id} was answered with items that were posted after release {record.release} was "
            "made; its files do not hold them: ask the running service (POST /explain)"
        )
    scores = record.scores.copy()
    if RANKER in record.left_out:
        scores = reciprocal_ranks(record.candidates.ranks, FUSION_CONSTANT).sum(axis=1, dtype=np.float32)
    elif len(record.feature_rows):
        scores[record.feature_rows] = recommender.ranker.score(record.features)
    shown = ordered(record, scores, recommender)
    differing = np.flatnonzero(scores.view(np.int32) != record.scores.view(np.int32))
    same = not len(differing) and np.array_equal(shown, record.shown)
    return Replay(shown=shown, scores=scores, differing=differing, same=bool(same))


def knows_items(record: FlightRecord, recommender: Recommender) -> bool:
    """Whether all candidates are in the recommender's vocabulary; posted items come after that of a release."""
    return int(record.candidates.items.max(initial=-1)) < recommender.catalogue.n_items


def by_score(scores: Float32) -> Int64:
    """(n_candidates,) rows, best first, ties in the order of the vocabulary."""
    return np.argsort(-scores, kind="stable").astype(np.int64)


def ordered(record: FlightRecord, scores: Float32, recommender: Recommender) -> Int64:
    """(n_shown,) rows in the order shown, had the ranker given these scores."""
    best = by_score(scores)
    if RANKER in record.left_out:
        return best[: record.k]
    items, best_scores = record.candidates.items[best], scores[best]
    order = recommender.reranker.order(items, best_scores, recommender.catalogue, record.k)
    if recommender.explore.slots > 0 and record.propensities is not None:
        key = key_of(recommender.bundle, record.user_id, record.at)
        order, _ = explore(order, best_scores, recommender.explore, key)
    return best[order][: record.k]
