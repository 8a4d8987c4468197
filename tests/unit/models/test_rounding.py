"""Which lists of a query lie within rounding, in a world of four items whose scores are written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from features.arrays import Float32, Int32
from features.errors import RefusedError
from flows.releasing.questions import Difference, Question
from flows.releasing.replay import judge
from models.data.queries import one_query
from models.data.types import Hits, Queries
from models.flight.rounding import lists_within_rounding
from models.rankers.fusion import Fusion
from models.ranking.features import feature_names
from models.recommender import Recommender
from models.rerankers.mmr import Mmr, MmrParams
from tests.support.part_inputs import DAY, make_catalogue


@dataclass(frozen=True)
class Written:
    """A retriever that gives item i the i-th score."""

    scores: tuple[float, ...]

    def retrieve(self, queries: Queries, k: int) -> Hits:
        scores = np.array(self.scores, dtype=np.float32)
        best = np.argsort(-scores, kind="stable")[:k].astype(np.int32)
        return Hits(np.tile(best, (len(queries), 1)), np.tile(scores[best], (len(queries), 1)))


class NoFeatures:
    names = ()

    def features(self, user_ids: object, at: object, query: Int32, item: Int32) -> Float32:
        return np.zeros((len(item), 0), dtype=np.float32)


class Split:
    """One split of a tree: 1 where the retriever's score, scaled to [0, 1] in a list, is at least 0.7."""

    def score(self, features: Float32) -> Float32:
        return (features[:, 1] >= np.float32(0.7)).astype(np.float32)


def lists(*scores: float, ranker: object = None) -> set[tuple[int, ...]]:
    empty = np.zeros((0, len(feature_names(("written",), ()))), dtype=np.float32)
    fusion = Fusion().fit(empty, np.zeros(0, np.float32), np.zeros(0, np.int32), feature_names(("written",), ()))
    recommender = Recommender(
        catalogue=make_catalogue(len(scores)),
        retrievers={"written": Written(scores)},  # type: ignore[dict-item]
        ranker=ranker or fusion,  # type: ignore[arg-type]
        reranker=Mmr(MmrParams(relevance=1.0)),
        lookup=NoFeatures(),
        k=100,
    )
    query = one_query("x", 9 * DAY, ["i3"], [DAY], recommender.catalogue.vocabulary)
    return lists_within_rounding(recommender, query, 3)


def test_items_whose_scores_lie_within_rounding_may_change_places():
    assert lists(0.5, 0.5000001, 0.9, 0.1) == {(2, 1, 0), (2, 0, 1)}


def test_items_whose_scores_lie_further_apart_may_not():
    assert lists(0.5, 0.5001, 0.9, 0.1) == {(2, 1, 0)}


def test_a_score_next_to_a_split_may_jump():
    below = float(np.nextafter(np.float32(0.7), np.float32(0)))
    assert lists(0.0, 0.2, below, 1.0, ranker=Split()) == {
        (3, 0, 1),
        (2, 3, 0),
    }  # 1 or 2 of the leaf first, by position
    assert lists(0.0, 0.2, 0.6999, 1.0, ranker=Split()) == {(3, 0, 1)}


def difference(query_id: str) -> Difference:
    return Difference(Question(query_id, "u", ("a", "b")), ("b", "a"))


def test_one_answer_that_rounding_does_not_explain_refuses_the_release():
    one = difference("q1")
    with pytest.raises(RefusedError, match=r"1 of 1000 .* query 'q1': found \['b', 'a'\], expected \['a', 'b'\]"):
        judge("Bento x:y", 1000, [one], [one])


def test_rounding_may_change_five_lists_in_a_thousand_and_one_in_few():
    many = [difference(f"q{number}") for number in range(6)]
    judge("Bento x:y", 1000, many[:5], [])
    judge("Bento x:y", 10, many[:1], [])
    with pytest.raises(RefusedError, match="6 of 1000"):
        judge("Bento x:y", 1000, many, [])
