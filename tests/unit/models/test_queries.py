"""Queries from tables and from one user's state: the history, the exclusions and the targets, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.arrays import MICROSECONDS_A_DAY
from features.positives import Positives
from features.schema import INTERACTIONS
from features.states.histories import user_histories
from features.states.user_state import UserState
from models.data.availability import NEVER, Availability
from models.data.queries import one_query, part_queries, queries_at
from models.data.vocabulary import Vocabulary
from models.retrieval.history_profile import Recency, history_profiles

START = datetime(2020, 1, 1, tzinfo=UTC)
WORDS = Vocabulary(["a", "b", "c", "d", "e"])


def at(day: float) -> int:
    return (START + timedelta(days=day) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def rows(*given: tuple) -> pl.DataFrame:
    """From (user, item, day[, event[, day on which it was known]])."""
    table = []
    for user, item, day, *rest in given:
        event, known = (rest + [None, None])[:2]
        when = START + timedelta(days=day)
        table.append((user, item, when, event, None, START + timedelta(days=known) if known is not None else when))
    return pl.DataFrame(table, schema=dict(INTERACTIONS.columns), orient="row")


LOG = rows(
    ("u", "c", 3),
    ("u", "a", 1),
    ("u", "b", 2, "impression"),
    ("u", "d", 2, "cancel"),
    ("u", "gone", 2),
    ("u", "e", 2, "purchase", 9),
    ("v", "a", 5),
    ("u", "a", 6),
)


def history(queries, query=0):
    return [WORDS.item_ids[item] for item in queries.history.items[query]]


def excluded(queries, query=0):
    return [WORDS.item_ids[item] for item in queries.excluded[query]]


def test_history_is_what_was_positive_and_known_by_then_oldest_first():
    queries = queries_at(LOG, WORDS, ["u", "nobody", "v"], at(4))
    assert history(queries) == ["a", "c"]  # e became known later, b was only shown, d was cancelled
    assert excluded(queries) == ["a", "c", "d"]  # all but impressions
    assert history(queries, 1) == history(queries, 2) == []
    assert history(queries_at(LOG, WORDS, ["u"], at(9))) == ["a", "e", "c", "a"]
    assert queries.user_ids.tolist() == ["u", "nobody", "v"]


def test_a_row_at_the_instant_itself_is_known():
    assert history(queries_at(LOG, WORDS, ["u"], at(3))) == ["a", "c"]
    assert history(queries_at(LOG, WORDS, ["u"], at(3) - 1)) == ["a"]


def test_include_seen_excludes_only_what_was_refused():
    queries = queries_at(LOG, WORDS, ["u"], at(4), include_seen=True)
    assert excluded(queries) == ["d"]  # cancelled
    assert history(queries) == ["a", "c"]


@pytest.mark.parametrize(
    ("events", "refused"),
    [
        (["click", "dislike"], ["a"]),
        (["cancel", "purchase"], []),  # chosen again since
        (["not_recommend", "impression"], ["a"]),  # shown again is not chosen
        (["not_recommend", "view"], ["a"]),  # nor is what does not count as positive
        (["view"], []),
    ],
)
def test_the_last_answer_says_whether_an_item_is_refused(events, refused):
    table = rows(*(("u", "a", day, event) for day, event in enumerate(events)))
    positives = Positives.of(["click", "purchase"])
    assert excluded(queries_at(table, WORDS, ["u"], at(9), positives=positives, include_seen=True)) == refused
    (kept,) = user_histories(table, at(9), positives).rows(named=True)
    lists = (np.array(kept[name]) for name in ("timestamps", "positive", "refused"))
    assert UserState("u", np.zeros(0), kept["item_ids"], *lists).refused_ids() == refused


def test_one_query_is_what_the_table_gives():
    from_table = queries_at(LOG, WORDS, ["u"], at(4))
    from_state = one_query(
        "u", at(4), ["c", "gone", "d", "a"], [at(3), at(2), at(2), at(1)], WORDS, positive=[True, True, False, True]
    )
    for name in ("user_ids", "at"):
        assert np.array_equal(getattr(from_table, name), getattr(from_state, name)), name
    for name in ("times", "weights"):
        assert np.array_equal(getattr(from_table.history, name), getattr(from_state.history, name)), name
    for one, other in (
        (from_table.history.items, from_state.history.items),
        (from_table.excluded, from_state.excluded),
    ):
        assert (one.offsets.tolist(), one.values.tolist()) == (other.offsets.tolist(), other.values.tolist())


def test_items_created_later_are_unavailable_for_all_or_excluded_for_some():
    created = Availability.since(np.array([at(0), at(4), at(8), at(20), np.iinfo(np.int64).min]))
    queries = queries_at(LOG, WORDS, ["u", "v"], np.array([at(3), at(9)]), availability=created)
    assert queries.unavailable.tolist() == [False, False, False, True, False]
    assert excluded(queries, 0) == ["a", "b", "c", "d"]  # b and c did not exist yet at day 3
    assert excluded(queries, 1) == ["a"]
    assert created.unavailable_at(at(30)) is None
    assert queries_at(LOG, WORDS, ["u"], at(30), availability=created).unavailable is None


def test_an_item_is_offered_from_its_start_until_just_before_its_end():
    starts = np.array([np.iinfo(np.int64).min] * 5)
    ends = np.array([at(3), at(9), NEVER, np.iinfo(np.int64).min, at(6)])
    times = Availability(starts, ends)
    assert times.unavailable_at(at(3)).tolist() == [True, False, False, True, False]
    assert times.unavailable_at(at(3) - 1).tolist() == [False, False, False, True, False]
    queries = queries_at(LOG, WORDS, ["v", "w"], np.array([at(3), at(9)]), availability=times)
    assert queries.unavailable.tolist() == [True, False, False, True, False]
    assert "e" not in excluded(queries, 0)
    assert {"b", "e"} <= set(excluded(queries, 1))  # both ended between the two queries


def test_part_queries_of_a_split_by_time():
    part = rows(("v", "c", 11), ("v", "a", 12), ("v", "new", 12), ("w", "e", 12), ("u", "b", 12, "impression"))
    queries, targets = part_queries(LOG, part, WORDS, at(10))
    assert queries.user_ids.tolist() == ["v", "w"]  # u chose nothing
    assert queries.at.tolist() == [at(10)] * 2
    assert [WORDS.item_ids[item] for item in targets.items.values] == [
        "c",
        "e",
    ]  # a is a repeat, new stands in no vocabulary
    assert targets.items.offsets.tolist() == [0, 1, 2]
    assert targets.counts.tolist() == [2, 1]


def test_part_queries_leave_last_out_have_their_own_instants_and_the_preceding_parts():
    earlier = rows(("u", "a", 1), ("u", "b", 5), ("v", "c", 9))
    queries, targets = part_queries(earlier, rows(("u", "c", 5), ("v", "d", 10)), WORDS, None)
    assert queries.at.tolist() == [at(5) - 1, at(10) - 1]
    assert history(queries, 0) == ["a", "b"]  # b is of the same instant as the target, but precedes it
    assert targets.items.values.tolist() == [2, 3]


def test_profiles_weigh_by_age_and_by_newer_acts():
    queries = one_query("u", at(9), ["b", "a", "c"], [at(1), at(3), at(5)], WORDS)
    flat = history_profiles(queries, 5, Recency()).toarray()[0]
    assert flat.tolist() == [1, 1, 1, 0, 0]
    days = history_profiles(queries, 5, Recency(half_life_days=2)).toarray()[0]
    assert days.tolist() == [0.5, 0.25, 1, 0, 0]  # against the newest, not the instant
    events = history_profiles(queries, 5, Recency(half_life_events=1)).toarray()[0]
    assert events.tolist() == [0.5, 0.25, 1, 0, 0]
    both = history_profiles(queries, 5, Recency(half_life_events=1, half_life_days=2)).toarray()[0]
    assert both.tolist() == [0.25, 0.0625, 1, 0, 0]


def test_part_of_a_batch_is_the_batch():
    queries = queries_at(LOG, WORDS, ["v", "u"], at(9))
    assert history(queries.part(1, 2)) == history(queries, 1)
    assert excluded(queries.part(1, 2)) == excluded(queries, 1)


@pytest.mark.parametrize("age", [0, 40_000])
def test_very_old_histories_keep_their_proportions(age):
    times = [at(0) - age * MICROSECONDS_A_DAY, at(10) - age * MICROSECONDS_A_DAY]
    row = history_profiles(one_query("u", at(9), ["a", "b"], times, WORDS), 5, Recency(half_life_days=10)).toarray()[0]
    assert row.tolist() == [0.5, 1, 0, 0, 0]
