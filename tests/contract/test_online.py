"""The service answers one query at a time by other code than batches; both are one recommender."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.arrays import Float32
from features.online.online_lookup import OnlineLookup
from features.states.aggregates import N_AMOUNTS, STATE
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.exploration import ExploreParams
from models.online.retrieval import Profiles, Scratch, prepared
from models.online.user_features import UserRows
from models.recommender import Recommender
from models.registry import load_retriever, part_names
from models.single_query.one_query import OneQuery
from services.live.online import online_form
from tests.support.random_histories import DAY, NOW, as_batch, random_queries
from tests.support.small_release import make_bundle

N_USERS, N_ITEMS, N_HISTORIES, K = 120, 200, 1000, 30
AGREE = 1e-5  # relative to the greatest score of a list


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(N_ITEMS, 16)).astype(np.float32)
    vectors[[5, 9]] = 0  # items without text
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return Catalogue(
        vocabulary=Vocabulary([f"i{place:03}" for place in range(N_ITEMS)]),
        titles=[f"Title {place}" for place in range(N_ITEMS)],
        tags=[["a", "b"] if place % 2 else ["b", "c"] for place in range(N_ITEMS)],
        category_names=["even", "odd"],
        categories=np.array([place % 2 for place in range(N_ITEMS)], dtype=np.int32),
        prices=np.full(N_ITEMS, np.nan, dtype=np.float32),
        created_at=np.full(N_ITEMS, np.iinfo(np.int64).min),
        vectors=np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0),
    )


@pytest.fixture(scope="module")
def log() -> Log:
    rng = np.random.default_rng(1)
    n_rows = 4000
    items = np.minimum(rng.geometric(0.03, n_rows) - 1, N_ITEMS - 1)
    return Log(
        user_ids=np.array([f"user {place}" for place in range(N_USERS)]),
        users=rng.integers(0, N_USERS, n_rows).astype(np.int32),
        items=rng.permutation(N_ITEMS)[items].astype(np.int32),
        times=np.sort(rng.integers(0, NOW, n_rows)),
        values=np.full(n_rows, np.nan, dtype=np.float32),
        weights=rng.choice([0.0, 0.5, 1.0], n_rows).astype(np.float32),
        at=NOW,
        friends=np.array([[f"user {place}", f"user {7 * place % N_USERS}"] for place in range(N_USERS)]),
    )


def settings_of(name: str) -> list[dict[str, object]]:
    """Params under which a retriever takes another way through its code."""
    further: dict[str, list[dict[str, object]]] = {
        "item_knn": [{"half_life_days": None, "half_life_events": 5.0}],
        "user_knn": [{"similarity": "pearson", "asymmetry": 0.7, "neighbors": 20}],
        "popular": [{"segment": "category"}],
        "markov": [{"recency_power": 0.0, "last_events": 3}],
        "sequence": [{"epochs": 0}],
    }
    fast: dict[str, object] = {"sequence": {"epochs": 1, "embedding_size": 16}, "bpr": {"epochs": 3}}
    return [dict(fast.get(name, {})), *further.get(name, [])]  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "params"), [(name, params) for name in part_names("retriever") for params in settings_of(name)]
)
def test_a_retriever_answers_one_query_as_it_answers_a_batch(
    name: str, params: dict[str, object], log: Log, catalogue: Catalogue
) -> None:
    kind = load_retriever(name)
    retriever = kind(kind.Params.model_validate(params)).fit(log, catalogue)  # type: ignore[call-arg]
    answer, scratch = prepared(retriever), Scratch()
    queries = list(random_queries(N_HISTORIES, N_ITEMS))
    expected = retriever.retrieve(as_batch(queries), K)
    for row, query in enumerate(queries):
        hits = answer(Profiles(query), K, scratch)
        n_offered = int((expected.items[row] >= 0).sum())
        assert_same_list(hits.items, hits.scores, expected.items[row, :n_offered], expected.scores[row, :n_offered])
        assert not query.blocked[hits.items].any()


def assert_same_list(items: np.ndarray, scores: Float32, expected: np.ndarray, expected_scores: Float32) -> None:
    """The same scores place by place, and the same items but for those whose scores cannot be told apart."""
    assert len(items) == len(expected) == len(set(items.tolist()))
    near = AGREE * np.abs(expected_scores).max(initial=0.0)
    assert np.abs(scores - expected_scores).max(initial=0.0) <= near
    for place in np.flatnonzero(items != expected):
        others = np.delete(expected_scores, place)
        at_the_end = place == len(items) - 1 or (items[place:] != expected[place:]).all()
        assert at_the_end or np.abs(others - expected_scores[place]).min() <= 2 * near


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recommender, OnlineLookup]:
    """A bundle with a trained ranker, and its lookup, whose stores nobody asks."""
    made = make_bundle(tmp_path_factory.mktemp("online"))
    info = ItemInfo.from_catalogue(made.catalogue)
    items = ItemStates.from_parquet(made.folder / "features", info.item_ids, made.at)
    lookup = OnlineLookup(NoStore(), items, info)
    return Recommender.load(made.bundle, lookup), lookup


class NoStore:
    def users(self, user_ids: object, categories: object = ()) -> list[UserState]:
        raise AssertionError("states of users are given")

    def category_states(self, pairs: object) -> dict[tuple[str, str], np.ndarray]:
        return {}


def test_lists_of_one_query_are_those_of_a_batch(
    recommender: tuple[Recommender, OnlineLookup], capsys: pytest.CaptureFixture[str]
) -> None:
    batch, lookup = recommender
    online = online_form(batch, lookup.items, lookup.info)
    n_other = 0
    for query in random_queries(N_HISTORIES, batch.catalogue.n_items):
        state, rows = random_user(query, lookup.info)
        answer = online.recommend(query, 10, rows)
        expected = batch.recommend(query.batch(), 10, lookup=lookup.bound([state]))
        slate = answer.slate(10)
        if (slate.items != expected.items).any():
            n_other += 1
            continue
        np.testing.assert_allclose(slate.scores, expected.scores, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(np.isnan(slate.sources), np.isnan(expected.sources))
    with capsys.disabled():
        print(f"\n{n_other} of {N_HISTORIES} lists differ, where a feature or a score lies within rounding of another")
    assert n_other <= 5


def random_user(query: OneQuery, info: ItemInfo) -> tuple[UserState, UserRows]:
    """States of a user with this history; what they say need not fit it."""
    rng = np.random.default_rng(len(query.items))

    def state() -> np.ndarray:
        row = np.concatenate([rng.gamma(2.0, 2.0, N_AMOUNTS), np.sort(rng.uniform(0, NOW, len(STATE) - N_AMOUNTS))])
        return np.full(len(STATE), np.nan) if not query.n_events or rng.random() < 0.05 else row

    codes = np.array(sorted(info.categories_of([info.item_ids[item] for item in query.items.tolist()])), dtype=np.int32)
    stats, pairs = state(), np.array([state() for _ in codes]).reshape(-1, len(STATE))
    names = [info.category_names[code] for code in codes]
    by_category = dict(zip(names, pairs, strict=True))
    ids = [info.item_ids[item] for item in query.items.tolist()]
    return (
        UserState(query.user_id, stats, ids, query.times, by_category=by_category),
        UserRows(stats=stats, codes=codes, pairs=pairs),
    )


def test_who_asks_again_gets_what_somebody_without_a_former_answer_gets(
    recommender: tuple[Recommender, OnlineLookup],
) -> None:
    batch, lookup = recommender
    online = online_form(batch, lookup.items, lookup.info)
    anew = online_form(batch, lookup.items, lookup.info, kept_bytes=0)
    for number, first in enumerate(random_queries(60, batch.catalogue.n_items)):
        query = replace(first, user_id=f"user {number}")
        blocked = query.blocked.copy()
        blocked[number % len(blocked)] = True
        longer = OneQuery.of_events(
            query.user_id,
            query.at + 9,
            np.append(query.items, np.int32(number % batch.catalogue.n_items)).astype(np.int32),
            np.append(query.times, query.at),
            query.blocked,
        )
        rows = random_user(query, lookup.info)[1]
        later = replace(query, at=query.at + 3 * DAY)
        for asked, k in ((query, 10), (query, 10), (later, 10), (replace(query, blocked=blocked), 10), (longer, 20)):
            answer, expected = online.recommend(asked, k, rows), anew.recommend(asked, k, rows)
            np.testing.assert_array_equal(answer.items, expected.items)
            np.testing.assert_array_equal(answer.scores, expected.scores)
            np.testing.assert_array_equal(answer.candidates.scores, expected.candidates.scores)


def test_what_is_drawn_for_one_query_is_what_is_drawn_in_a_batch(
    recommender: tuple[Recommender, OnlineLookup],
) -> None:
    drawing, lookup = replace(recommender[0], explore=ExploreParams(slots=3, pool=30)), recommender[1]
    online = online_form(drawing, lookup.items, lookup.info)
    for query in random_queries(30, drawing.catalogue.n_items):
        state, rows = random_user(query, lookup.info)
        slate = online.recommend(query, 10, rows).slate(10)
        expected = drawing.recommend(query.batch(), 10, lookup=lookup.bound([state]))
        np.testing.assert_array_equal(slate.items, expected.items)
        np.testing.assert_allclose(slate.propensities, expected.propensities, rtol=1e-5)


def test_similar_items_are_those_of_the_batch_form(recommender: tuple[Recommender, OnlineLookup]) -> None:
    batch, lookup = recommender
    online = online_form(batch, lookup.items, lookup.info)
    blocked = np.random.default_rng(4).random(batch.catalogue.n_items) < 0.1
    for item in range(batch.catalogue.n_items):
        expected = batch.similar(item, 10, unavailable=blocked)
        slate = online.similar(item, 10, blocked).slate(10)
        np.testing.assert_array_equal(slate.items, expected.items)
        np.testing.assert_allclose(slate.scores, expected.scores, rtol=1e-5)


def test_a_deadline_that_is_over_leaves_out_what_has_not_run_and_gives_a_whole_list(
    recommender: tuple[Recommender, OnlineLookup],
) -> None:
    batch, lookup = recommender
    online = online_form(batch, lookup.items, lookup.info)
    for query in random_queries(20, batch.catalogue.n_items):
        rows = random_user(query, lookup.info)[1]
        ticks = iter(range(1000))
        answer = online.recommend(query, 10, rows, deadline=2.5, clock=lambda: float(next(ticks)))  # noqa: B023
        assert answer.left_out == ("popular", "text", "ranker")  # started at 0; ease asked at 1, item_knn at 2
        assert len(answer.items) == min(10, int((~query.blocked).sum()))
        assert not query.blocked[answer.items].any()


def test_with_the_whole_catalogue_blocked_nothing_is_shown(recommender: tuple[Recommender, OnlineLookup]) -> None:
    batch, lookup = recommender
    online = online_form(batch, lookup.items, lookup.info)
    blocked = np.ones(batch.catalogue.n_items, dtype=np.bool_)
    query = OneQuery.of_events("x", NOW, np.array([1], np.int32), np.array([DAY]), blocked)
    assert len(online.recommend(query, 10, random_user(query, lookup.info)[1]).items) == 0
