"""Users without a history get what is popular, in its own order, whatever a ranker has learned from others."""

from __future__ import annotations

import numpy as np

from models.data.queries import one_query
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.recommender import Recommender
from models.rerankers.mmr import Mmr, MmrParams
from models.retrievers.popular import Popular

ITEMS = ["a", "b", "c", "d"]


class NoFeatures:
    names = ()

    def features(self, user_ids, at, query, item):
        return np.zeros((len(query), 0), dtype=np.float32)


class Reversed:
    """A ranker that has learned the contrary: the last comes first."""

    def score(self, features):
        return np.arange(len(features), dtype=np.float32)


def recommender() -> Recommender:
    catalogue = Catalogue(
        Vocabulary(ITEMS),
        [None] * 4,
        [[] for _ in ITEMS],
        [],
        np.full(4, -1, dtype=np.int32),
        np.full(4, np.nan, dtype=np.float32),
        np.full(4, np.iinfo(np.int64).min),
    )
    chosen = [0, 0, 0, 1, 1, 2]  # a by three, b by two, c by one
    log = Log(
        np.array(["u", "v", "w"]),
        np.array([0, 1, 2, 0, 1, 0], dtype=np.int32),
        np.array(chosen, dtype=np.int32),
        np.zeros(6, dtype=np.int64),
        np.full(6, np.nan, dtype=np.float32),
        np.ones(6, dtype=np.float32),
        0,
    )
    parts = {"popular": Popular().fit(log, catalogue)}
    return Recommender(catalogue, parts, Reversed(), Mmr(MmrParams(relevance=1.0)), NoFeatures(), 4)


def shown(history: list[str]) -> list[str]:
    part = recommender()
    query = one_query("x", 1, history, [0] * len(history), part.catalogue.vocabulary)
    return [ITEMS[item] for item in part.recommend(query, 3).items[0] if item >= 0]


def test_a_newcomer_gets_what_is_popular_in_its_order():
    assert shown([]) == ["a", "b", "c"]


def test_with_a_history_the_ranker_decides():
    assert shown(["d"]) == ["c", "b", "a"]
