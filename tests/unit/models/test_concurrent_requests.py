"""Two requests at once on one recommender: each is answered from the states that it has read itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

from features.online.online_lookup import OnlineLookup
from features.positives import DEFAULT_POSITIVES
from features.states.aggregates import STATE
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from models.data.queries import one_query
from models.interfaces import Retriever
from models.recommender import Recommender
from models.rerankers.mmr import Mmr, MmrParams
from models.retrievers.popular import Popular
from tests.support.part_inputs import DAY, make_catalogue, make_log

N_ITEMS = 6
ROUNDS = 20


class NoStore:
    """A namespace that may not be read: all states are bound."""

    def users(self, user_ids, categories=()):
        raise AssertionError(f"read {user_ids} although their states are bound")

    def category_states(self, pairs):
        return {}


class Meeting:
    """A retriever that answers only when both requests are under way."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever, self.barrier = retriever, Barrier(2)

    def retrieve(self, queries, k):
        hits = self.retriever.retrieve(queries, k)
        self.barrier.wait(timeout=30)
        return hits


class OfTheUser:
    """A ranker whose scores tell whose state was looked up."""

    def score(self, features):
        return np.nan_to_num(features).sum(axis=1, dtype=np.float32)


def state(seed: int) -> UserState:
    rng = np.random.default_rng(seed)
    return UserState("u", rng.random(len(STATE)) * 10 + seed, ["i0"], np.array([DAY]), np.array([True]))


def test_two_requests_of_one_user_at_once_each_see_their_own_state():
    catalogue = make_catalogue(N_ITEMS)
    popular = Popular().fit(make_log([(user, item, 1) for user in range(5) for item in range(N_ITEMS)]), catalogue)
    info = ItemInfo(catalogue.vocabulary.item_ids, [None] * N_ITEMS)
    items = ItemStates(info.item_ids, np.ones((N_ITEMS, len(STATE))), DEFAULT_POSITIVES, 0)
    lookup = OnlineLookup(NoStore(), items, info)
    recommender = Recommender(
        catalogue=catalogue,
        retrievers={"popular": popular},
        ranker=OfTheUser(),
        reranker=Mmr(MmrParams(relevance=1.0)),
        lookup=lookup,
        k=N_ITEMS,
    )
    query = one_query("u", 2 * DAY, ["i0"], [DAY], catalogue.vocabulary)
    states = [state(1), state(2)]
    alone = [recommender.recommend(query, 3, lookup=lookup.bound([own])).scores.tobytes() for own in states]
    assert alone[0] != alone[1]
    recommender.retrievers = {"popular": Meeting(popular)}
    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            answers = threads.map(lambda own: recommender.recommend(query, 3, lookup=lookup.bound([own])), states)
            assert [slate.scores.tobytes() for slate in answers] == alone
