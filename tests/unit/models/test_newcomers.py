"""Users without a history get what is popular, in its own order, whatever a ranker has learned from others."""

from __future__ import annotations

import numpy as np

from models.data.queries import one_query
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.ranking.features import RANK_PREFIX, feature_names
from models.ranking.newcomers import NewcomersInOrder
from models.ranking.ranker_data import RankerData
from models.ranking.training import Params, train_ranker
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
        vocabulary=Vocabulary(ITEMS),
        titles=[None] * 4,
        tags=[[] for _ in ITEMS],
        category_names=[],
        categories=np.full(4, -1, dtype=np.int32),
        prices=np.full(4, np.nan, dtype=np.float32),
        created_at=np.full(4, np.iinfo(np.int64).min),
    )
    chosen = [0, 0, 0, 1, 1, 2]  # a by three, b by two, c by one
    log = Log(
        user_ids=np.array(["u", "v", "w"]),
        users=np.array([0, 1, 2, 0, 1, 0], dtype=np.int32),
        items=np.array(chosen, dtype=np.int32),
        times=np.zeros(6, dtype=np.int64),
        values=np.full(6, np.nan, dtype=np.float32),
        weights=np.ones(6, dtype=np.float32),
        at=0,
    )
    parts = {"popular": Popular().fit(log, catalogue)}
    ranker = NewcomersInOrder(Reversed(), feature_names(("popular",), NoFeatures.names))
    return Recommender(
        catalogue=catalogue,
        retrievers=parts,
        ranker=ranker,
        reranker=Mmr(MmrParams(relevance=1.0)),
        lookup=NoFeatures(),
        k=4,
    )


def shown(history: list[str]) -> list[str]:
    part = recommender()
    query = one_query("x", 1, history, [0] * len(history), part.catalogue.vocabulary)
    return [ITEMS[item] for item in part.recommend(query, 3).items[0] if item >= 0]


def test_a_newcomer_gets_what_is_popular_in_its_order():
    assert shown([]) == ["a", "b", "c"]


def test_with_a_history_the_ranker_decides():
    assert shown(["d"]) == ["c", "b", "a"]


def test_ranks_come_back_from_their_inverse_exactly():
    ranks = np.arange(1, 20_001, dtype=np.int32)
    inverse = np.stack([1.0 / ranks, np.zeros(len(ranks))], axis=1).astype(np.float32)
    features = np.concatenate([inverse, np.zeros((len(ranks), 1), dtype=np.float32)], axis=1)
    ranker = NewcomersInOrder(Reversed(), (f"{RANK_PREFIX}a", f"{RANK_PREFIX}b", "n_history"))
    assert ranker.score(features).tobytes() == (1.0 / (60.0 + ranks)).astype(np.float32).tobytes()


def test_a_ranker_is_judged_as_it_serves():
    """Of newcomers it cannot learn anything that it would not be allowed to use: gain and loss are theirs, 0."""
    rng = np.random.default_rng(3)
    n_queries, size = 120, 10
    ranks = np.concatenate([rng.permutation(size) + 1 for _ in range(n_queries)])
    chance = rng.random(len(ranks))
    features = np.stack([1.0 / ranks, np.zeros(len(ranks)), chance], axis=1).astype(np.float32)
    names = (f"{RANK_PREFIX}a", "n_history", "tells")
    labels = (chance > 0.8).astype(np.float32)
    groups = np.full(n_queries, size, dtype=np.int32)
    n_targets = np.bincount(np.repeat(np.arange(n_queries), size), labels, minlength=n_queries).astype(np.int64)
    users = np.array([f"u{query}" for query in range(n_queries)])
    params = Params(name="linear", min_queries=10)

    def gain() -> float:
        data = RankerData(
            features=features,
            labels=labels,
            groups=groups,
            n_targets=n_targets,
            user_ids=users,
            live=np.ones(n_queries, dtype=np.bool_),
            names=names,
        )
        return train_ranker(data, params).figures["gain"]

    assert gain() == 0.0
    features[:, 1] = 1.0  # the same rows of people with a history
    assert gain() > 0.1
