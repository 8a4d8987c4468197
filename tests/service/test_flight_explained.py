"""What records say of an answer: sums that are the score, and why an item is not in the list, on planted cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.events.event_log import Event
from features.positives import DEFAULT_POSITIVES, REFUSALS
from features.states.aggregates import STATE
from features.states.candidate_features import NAMES
from features.states.user_state import UserState
from models.flight.as_known import AsKnown, state_as_of
from models.flight.attribution import attribution
from models.flight.explained import explained
from models.flight.feature_groups import OTHER, group_of
from models.flight.recomputed import recomputed
from models.flight.replay import by_score, replayed
from models.flight.why_not import why_not
from models.ranking.features import feature_names
from models.rerankers.mmr import Mmr, MmrParams
from services.recorder.flight import record_of
from tests.support.flown import flights, recommender_of, some_users
from tests.support.one_answer import one_answer


@pytest.fixture(scope="module")
def recommender(made):
    return recommender_of(made)


@pytest.fixture(scope="module")
def flown(made, recommender):
    return flights(made, recommender, some_users(made, 30))


@pytest.fixture(scope="module")
def known(flown):
    """The record of a user with a history, all features kept."""
    return record_of(next(one for one in flown if one.n_events >= 5), 10_000)


def state_of(made, user_id: str) -> UserState:
    rows = made.world.history.filter((pl.col("user_id") == user_id) & (pl.col("event").ne_missing("impression"))).sort(
        "timestamp", maintain_order=True
    )
    return UserState(
        user_id,
        np.full(len(STATE), np.nan),
        rows["item_id"].to_list(),
        rows["timestamp"].dt.epoch("us").to_numpy(),
        rows.select(DEFAULT_POSITIVES.where()).to_series().to_numpy(),
        rows["event"].is_in(list(REFUSALS)).fill_null(False).to_numpy(),
    )


def as_known(made, recommender, record) -> AsKnown:
    return AsKnown(
        record=record,
        recommender=recommender,
        lookup=recommender.lookup,
        state=state_of(made, record.user_id),
        unavailable=recommender.available(record.at),
    )


def of_request(made, recommender, record, **asked):
    """The record of the same user's request with other fields."""
    import msgspec

    record = replace(record, request=msgspec.json.encode(record.asked | asked).decode(), k=asked.get("k", record.k))
    query = as_known(made, recommender, record).query()
    answer = one_answer(recommender, query, record.k, recommender.lookup)
    kept = np.arange(len(answer.scores))
    return replace(
        record,
        candidates=answer.candidates,
        features=answer.features,
        feature_rows=kept,
        scores=answer.scores,
        shown=answer.shown,
    )


def test_every_feature_has_a_group_in_words():
    names = feature_names(("item_knn", "popular"), NAMES)
    assert [name for name in names if group_of(name) == OTHER] == []
    assert group_of("score:item_knn") == group_of("inverse_rank:item_knn") == "where item_knn places the item"


def test_what_each_group_adds_sums_to_the_score(made, flown, recommender):
    for one in flown[::5]:
        record = record_of(one, 50)
        for explanation in explained(as_known(made, recommender, record)):
            total = explanation.base + sum(value for _, value in explanation.groups)
            assert total == pytest.approx(explanation.score, abs=1e-5)


def test_a_ranker_that_is_no_sum_is_explained_by_sums_too():
    class Product:
        def score(self, features):
            return (features[:, 0] * features[:, 2]).astype(np.float32)

    rows = np.array([[1, 5, 2], [3, 7, 4]], dtype=np.float32)
    parts = attribution(Product(), rows, ("item_trend", "item_age_days", "item_log_price"))
    assert not parts.exact
    np.testing.assert_allclose(parts.base + parts.values.sum(axis=1), [2, 12], atol=1e-5)
    assert parts.base.tolist() == [6.0, 6.0]  # of the means: 2 · 3
    np.testing.assert_allclose(parts.values[:, 1], 0, atol=1e-6)  # it has no part in the score


def test_newcomers_are_explained_by_their_reciprocal_ranks(made, flown, recommender):
    record = record_of(flown[-1], 50)
    assert record.n_events == 0
    first = explained(as_known(made, recommender, record))[0]
    assert first.base == 0
    assert {name for name, value in first.groups if value} == {
        f"where {one.retriever} places the item" for one in first.proposals
    }
    assert first.groups[0][1] == pytest.approx(1 / (60 + first.proposals[0].rank), rel=1e-6)


def test_the_shares_of_the_retrievers_are_those_of_their_reciprocal_ranks(made, known, recommender):
    for place, one in enumerate(explained(as_known(made, recommender, known))):
        ranks = known.candidates.ranks[known.shown[place]]
        assert {part.retriever: part.rank for part in one.proposals} == {
            name: rank for name, rank in zip(known.retrievers, ranks.tolist(), strict=True) if rank
        }
        assert sum(part.share for part in one.proposals) == pytest.approx(1)
        assert one.proposals[0].rank == ranks[ranks > 0].min()


def test_a_reason_names_an_item_without_which_the_retriever_scores_less(made, known, recommender):
    query = as_known(made, recommender, known).query()
    named = [past for one in explained(as_known(made, recommender, known)) for past in one.because]
    assert named
    assert {past.item for past in named} <= set(query.history.items.values.tolist())
    knn = recommender.retrievers["item_knn"]
    checked = 0
    for one in explained(as_known(made, recommender, known)):
        for past in one.because:
            if past.retriever != "item_knn":
                continue
            events = np.flatnonzero(query.history.items.values != past.item)
            rest = replace(query, history=query.history.take(type(query.history.items).one_row(events)))
            whole, less = (knn.scores_of(each, np.array([one.item], np.int32))[0, 0] for each in (query, rest))
            assert past.share == pytest.approx(min((whole - less) / whole, 1.0), abs=1e-5)
            checked += 1
    assert checked


def test_the_retrievers_give_the_same_from_the_log_and_a_difference_is_told(made, known, recommender):
    query = as_known(made, recommender, known).query()
    assert all(one.agrees for one in recomputed(as_known(made, recommender, known)))
    assert len(query.excluded.values) == known.n_blocked
    scores = known.candidates.scores.copy()
    column = known.retrievers.index("item_knn")
    row = int(np.flatnonzero(known.candidates.ranks[:, column] == 1)[0])
    scores[row, column] *= 1.01
    changed = replace(known, candidates=replace(known.candidates, scores=scores))
    told = {one.name: one for one in recomputed(as_known(made, recommender, changed))}
    assert not told["item_knn"].agrees
    assert told["item_knn"].greatest == pytest.approx(0.01 / 1.01, rel=1e-3)
    assert told["ease"].agrees


def test_a_history_as_of_a_position_is_without_what_came_later():
    state = UserState(
        "u",
        np.zeros(len(STATE)),
        ["a", "b", "a", "c"],
        np.array([1, 2, 2, 3]),
        np.array([True, True, False, True]),
        np.array([False, False, True, False]),
        last_seq=9,
    )
    later = [Event(8, "e8", "u", "a", "dislike", 2, None, 5, None), Event(9, "e9", "u", "c", "click", 3, None, 6, None)]
    then = state_as_of(state, [*later, Event(9, "e", "u", "b", "impression", 2, None, 7, None)])
    assert then.item_ids == ["a", "b"]
    assert then.timestamps.tolist() == [1, 2]
    assert then.positive.tolist() == [True, True]
    assert then.last_seq == 7
    assert state_as_of(state, []) is state


def answer_for(made, recommender, record, item: int):
    return why_not(as_known(made, recommender, record), item)


def test_why_not_of_an_item_that_was_shown(made, known, recommender):
    answer = answer_for(made, recommender, known, int(known.candidates.items[known.shown[2]]))
    assert (answer.kind, answer.place) == ("shown", 3)


def test_why_not_of_an_item_that_no_retriever_offered(made, known, recommender):
    record = of_request(made, recommender, known)
    small = replace(recommender, k=3)
    answer = one_answer(small, as_known(made, recommender, record).query(), 3, recommender.lookup)
    rows = np.arange(len(answer.scores))
    record = replace(
        record,
        k=3,
        candidates=answer.candidates,
        features=answer.features,
        feature_rows=rows,
        scores=answer.scores,
        shown=answer.shown,
    )
    seen = set(state_of(made, record.user_id).item_ids)
    vocabulary = recommender.catalogue.vocabulary
    outside = next(
        item
        for item in range(recommender.catalogue.n_items)
        if record.row_of(item) is None and vocabulary.item_ids[item] not in seen
    )
    answer = answer_for(made, small, record, outside)
    assert answer.kind == "not_a_candidate"
    query = as_known(made, recommender, record).query()
    hits = recommender.retrievers["popular"].retrieve(query, recommender.catalogue.n_items).items[0].tolist()
    assert answer.ranks["popular"] == hits.index(outside) + 1
    assert all(rank is None or rank > 3 for rank in answer.ranks.values())
    if answer.change is not None and answer.change.kind == "retriever":
        assert 1 <= answer.change.rank <= 3


@pytest.mark.parametrize("kind", ["seen", "exclude", "filter.category", "filter.price_max"])
def test_why_not_of_an_item_that_was_filtered(made, known, recommender, kind):
    catalogue = recommender.catalogue
    first = int(known.candidates.items[known.shown[0]])
    item_id, category = catalogue.vocabulary.item_ids[first], catalogue.item_categories[first]
    others = [name for name in catalogue.category_names if name != category]
    asked = {
        "seen": {},
        "exclude": {"exclude": [item_id]},
        "filter.category": {"filter": {"category": others, "price_max": None}},
        "filter.price_max": {"filter": {"price_max": float(catalogue.prices[first]) - 0.01, "category": None}},
    }[kind]
    record = of_request(made, recommender, known, **asked)
    if kind == "seen":
        first = catalogue.vocabulary.position(state_of(made, known.user_id).item_ids[-1])
    answer = answer_for(made, recommender, record, first)
    assert (answer.kind, answer.filters) == ("filtered", (kind,))
    if kind != "seen":
        assert answer.place_without_filters is not None  # it was shown when nothing stood against it
        assert min(rank for rank in answer.ranks.values() if rank) == 1 or answer.ranks


def test_two_filters_are_both_named(made, known, recommender):
    first = int(known.candidates.items[known.shown[0]])
    item_id = recommender.catalogue.vocabulary.item_ids[first]
    record = of_request(made, recommender, known, exclude=[item_id], filter={"category": [], "price_max": None})
    assert as_known(made, recommender, record).reasons_against(first) == ["exclude", "filter.category"]


def test_why_not_of_an_item_that_was_scored_too_low(made, known, recommender):
    row = int(by_score(known.scores)[14])
    answer = answer_for(made, recommender, known, int(known.candidates.items[row]))
    assert (answer.kind, answer.place_by_score) == ("scored", 15)
    assert answer.score == known.scores[row]
    assert answer.score < answer.least_score
    assert answer.held_down
    assert all(gap < 0 for _, gap in answer.held_down)


def test_the_smallest_change_does_what_it_says(made, known, recommender):
    from models.flight.hypothetical import item_row, moved_features, ranked_at

    changes = []
    for place in (11, 13, 16, 20, 25):
        item = int(known.candidates.items[by_score(known.scores)[place]])
        change = answer_for(made, recommender, known, item).change
        changes.append(change)
        if change is None or change.kind != "retriever":
            continue
        one = item_row(known, recommender, recommender.lookup, item)
        column = known.retrievers.index(change.retriever)
        features = moved_features(one, recommender.lookup, ranked_at(one, column, change.rank))
        score = float(recommender.ranker.score(features[None, :])[0])
        assert one.place_with(score, recommender) == change.place
        if change.rank < known.candidates.ranks[:, column].max():
            assert change.rank < (known.candidates.ranks[one.row, column] or 1 << 30)
    assert any(change is not None for change in changes)


def test_why_not_of_an_item_that_diversity_moved_out(made, known, recommender):
    diverse = replace(recommender, reranker=Mmr(MmrParams(relevance=0.3)))
    order = replayed(known, diverse).shown
    record = replace(known, shown=order)
    assert replayed(record, diverse).same
    displaced = next(row for row in by_score(record.scores)[:10].tolist() if row not in order)
    answer = answer_for(made, diverse, record, int(record.candidates.items[displaced]))
    assert answer.kind == "moved"
    assert answer.place_by_score <= 10
    assert answer.score > answer.least_score
    moved = [one.moved for one in explained(as_known(made, diverse, record))]
    assert any(moved)
