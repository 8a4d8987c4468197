"""The truth beside the tables, further futures drawn from it, and the oracle that ranks by it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from features.simulation.scenario import draw_choices, scenario, scenarios, small
from features.simulation.tables import truth
from features.simulation.truth import Truth
from models.data.availability import Availability
from models.data.queries import part_queries, queries_at
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.evaluation.metrics import accuracy
from models.evaluation.oracle import Oracle, OracleParams
from models.interfaces import Retriever

PARAMS = small(1)
WORLD = scenario(PARAMS)
TRUTH = WORLD.truth
ITEM_IDS = sorted(TRUTH.item_ids)


def _fit(oracle: Oracle, item_ids: list[str] = ITEM_IDS) -> Oracle:
    n = len(item_ids)
    none = np.zeros(0, dtype=np.int32)
    log = Log(
        user_ids=np.zeros(0, dtype=np.str_),
        users=none,
        items=none,
        times=none.astype(np.int64),
        values=none.astype(np.float32),
        weights=none.astype(np.float32),
        at=0,
    )
    catalogue = Catalogue(
        vocabulary=Vocabulary(item_ids),
        titles=[None] * n,
        tags=[[]] * n,
        category_names=[],
        categories=np.full(n, -1, dtype=np.int32),
        prices=np.full(n, np.nan, dtype=np.float32),
        created_at=np.full(n, np.iinfo(np.int64).min),
    )
    return oracle.fit(log, catalogue)


def _ndcg(oracle: Oracle) -> float:
    vocabulary = Vocabulary(ITEM_IDS)
    queries, targets = part_queries(WORLD.history, WORLD.later, vocabulary, WORLD.at)
    found = _fit(oracle).retrieve(queries, 10).items
    wanted = [set(targets.items[query]) for query in range(len(queries))]
    hits = np.array([[item in own for item in row] for row, own in zip(found, wanted, strict=True)])
    return float(np.nanmean(accuracy(hits, targets.counts, [10])["ndcg@10"]))


def test_the_truth_comes_back_from_its_table_and_from_the_params():
    again = Truth.from_table(WORLD.tables.extras["truth/params"])
    users, at = TRUTH.user_ids[:5], WORLD.at
    np.testing.assert_array_equal(again.demand(users, at), TRUTH.demand(users, at))
    np.testing.assert_array_equal(truth(PARAMS).preferences(users, at), TRUTH.preferences(users, at))


def test_preference_of_pairs_is_that_of_the_whole_table():
    users, at = TRUTH.user_ids[:7], WORLD.at
    table = TRUTH.preferences(users, at)
    assert ((table > 0) & (table < 1)).all()
    pairs = TRUTH.preference(users, TRUTH.item_ids[:7], at)
    np.testing.assert_array_equal(pairs, np.diagonal(table[:, :7]))


def test_demand_is_none_for_items_not_yet_on_sale():
    at = PARAMS.start_at
    later = TRUTH.world.items.created_at > at
    assert later.any()
    demand = TRUTH.demand(TRUTH.user_ids[:3], at)
    assert (demand[:, later] == 0).all()
    assert (demand[:, ~later] > 0).all()
    assert TRUTH.popularity(at).sum() == pytest.approx(1)


def test_asking_for_a_stranger_names_them():
    with pytest.raises(UserError, match="no user 'nobody'"):
        TRUTH.preferences(["nobody"], WORLD.at)


def test_a_scenario_is_cut_like_the_default_split():
    rows = WORLD.tables.interactions
    n = rows.height
    assert WORLD.at == rows.get_column("timestamp").dt.epoch("us")[int(n * 0.9) - 1]
    assert WORLD.history.height + WORLD.later.height == n
    assert [world.truth.world.params.seed for world in scenarios(range(3))] == [0, 1, 2]


def test_drawn_choices_follow_the_demand():
    user = TRUTH.user_ids[0]
    seen = WORLD.history.filter(pl.col("user_id") == user).select("user_id", "item_id")
    demand = TRUTH.demand([user], WORLD.at)[0]
    demand[TRUTH.items(seen.get_column("item_id").to_list())] = 0
    share = demand / demand.sum()
    drawn = draw_choices(TRUTH, [user] * 4000, WORLD.at, 1, 0)
    assert drawn.height == 4000
    assert draw_choices(TRUTH, [user], WORLD.at, 200, 0, seen).join(seen, on="item_id", how="inner").is_empty()
    free = TRUTH.demand([user], WORLD.at)[0]
    best = TRUTH.item_ids[int(np.argmax(free))]
    expected = free.max() / free.sum()
    assert (drawn.get_column("item_id") == best).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 4000))
    assert share.max() <= 1


def test_one_seed_gives_one_future_and_another_seed_another():
    users = TRUTH.user_ids[:50]
    one, same, other = (draw_choices(TRUTH, users, WORLD.at, 5, seed) for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)
    assert one.select("user_id", "item_id").is_duplicated().sum() == 0


def test_the_oracle_is_a_retriever_and_offers_neither_seen_nor_unavailable_items():
    oracle = _fit(Oracle(OracleParams(world=PARAMS)))
    assert isinstance(oracle, Retriever)
    vocabulary = Vocabulary(ITEM_IDS)
    created = TRUTH.world.items.created_at[TRUTH.items(ITEM_IDS)]
    queries = queries_at(
        WORLD.history, vocabulary, TRUTH.user_ids[:20], WORLD.at, availability=Availability.since(created)
    )
    hits = oracle.retrieve(queries, 200)
    for query, items in enumerate(hits.items):
        shown = items[items >= 0]
        seen = queries.excluded[query]
        assert not set(shown) & set(seen)
        assert (created[shown] <= WORLD.at).all()
    assert (np.diff(hits.scores, axis=1)[hits.items[:, 1:] >= 0] <= 0).all()


def test_strangers_and_unknown_items_are_no_error():
    vocabulary = Vocabulary([*ITEM_IDS, "unheard-of"])
    queries = queries_at(WORLD.history, vocabulary, ["nobody"], WORLD.at)
    hits = _fit(Oracle(OracleParams(world=PARAMS)), vocabulary.item_ids).retrieve(queries, 5)
    assert vocabulary.item_ids[hits.items[0, 0]] == TRUTH.item_ids[int(np.argmax(TRUTH.popularity(WORLD.at)))]
    assert len(ITEM_IDS) not in hits.items


def test_noise_makes_the_oracle_worse_and_its_seed_only_another():
    clear = _ndcg(Oracle(OracleParams(world=PARAMS), TRUTH))
    dim = [_ndcg(Oracle(OracleParams(world=PARAMS, noise=1.0, seed=seed), TRUTH)) for seed in (1, 2)]
    blind = _ndcg(Oracle(OracleParams(world=PARAMS, noise=20.0), TRUTH))
    assert clear > max(dim) > min(dim) > blind
    assert abs(dim[0] - dim[1]) < 0.3 * (clear - blind)


def test_a_saved_oracle_answers_alike(tmp_path):
    oracle = _fit(Oracle(OracleParams(world=PARAMS, noise=0.5)))
    oracle.save(tmp_path)
    queries = queries_at(WORLD.history, Vocabulary(ITEM_IDS), TRUTH.user_ids[:9], WORLD.at)
    one, two = oracle.retrieve(queries, 10), Oracle.load(tmp_path).retrieve(queries, 10)
    np.testing.assert_array_equal(one.items, two.items)
    np.testing.assert_array_equal(one.scores, two.scores)
