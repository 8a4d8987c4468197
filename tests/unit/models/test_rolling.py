"""Rolling judging against values worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.schema import INTERACTIONS
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.vocabulary import Vocabulary
from models.evaluation.results import ROLLING
from models.evaluation.rolling import rolling_table, rolling_values
from models.reports.rolling_table import rolling_figures, rolling_text

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*acts: tuple) -> pl.DataFrame:
    """From (user, item, minute[, event[, minute at which it was known]])."""
    full = [(*act, "buy")[:4] + ((act[4],) if len(act) > 4 else (act[2],)) for act in acts]
    return INTERACTIONS.check(
        pl.DataFrame(
            [
                (user, item, START + timedelta(minutes=minute), event, None, START + timedelta(minutes=known))
                for user, item, minute, event, known in full
            ],
            schema=dict(INTERACTIONS.columns),
            orient="row",
        ),
        source="test",
    )


HISTORY = rows(("ann", "a", 0), ("bob", "b", 1), ("ann", "c", 2), ("ann", "d", 3, "cancel"))
PART = rows(
    ("ann", "b", 10),  # asked: b is known and new to ann
    ("ann", "a", 11),  # had before the part
    ("cid", "a", 12),  # cid's first act
    ("cid", "c", 12),  # asked: of one instant, but a stands before it
    ("ann", "b", 13),  # had within the part
    ("ann", "e", 14),  # nobody chose e before the part
    ("bob", "c", 15, "impression"),  # was only shown
    ("bob", "c", 16),  # asked
    ("bob", "d", 17),  # d was only ever cancelled
    ("bob", "a", 18, "cancel"),
    ("bob", "a", 19),  # bob has seen it, though not chosen
)
VOCABULARY = Vocabulary(["a", "b", "c", "d", "e"])


def names(positions: np.ndarray) -> list[str]:
    return [VOCABULARY.item_ids[place] for place in positions]


def many(n_users: int, n_items: int, seed: int = 3) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    pick = rng.random((n_users, n_items)).argsort(axis=1)
    minute = rng.integers(0, 40, (n_users, n_items))
    acts = [(f"u{u}", f"i{i}", int(minute[u, i])) for u in range(n_users) for i in pick[u, : n_items // 2]]
    acts = sorted(acts, key=lambda act: act[2])
    return rows(*[act for act in acts if act[2] < 20]), rows(*[act for act in acts if act[2] >= 20])


def test_which_events_are_asked_for():
    events = rolling_events(HISTORY, PART)
    assert events.select("user_id", "item_id").rows() == [("ann", "b"), ("cid", "c"), ("bob", "c")]
    assert events["timestamp"].to_list() == [START + timedelta(minutes=minute) for minute in (10, 12, 16)]


def test_a_query_knows_what_precedes_it_and_nothing_more():
    events = rolling_events(HISTORY, PART)
    queries, targets = rolling_queries(events, HISTORY, PART, VOCABULARY)
    assert queries.user_ids.tolist() == ["ann", "cid", "bob"]
    assert [names(queries.history.items[query]) for query in range(3)] == [["a", "c"], ["a"], ["b"]]
    ann = queries.part(0, 1)
    minutes = (ann.history.times - int(START.timestamp() * 1e6)) // 60_000_000
    assert minutes.tolist() == [0, 2]
    assert names(ann.excluded.values) == ["a", "c", "d"]  # cancelled is seen too
    assert names(queries.excluded[2]) == ["b"]  # an impression is not
    assert names(np.flatnonzero(~queries.unavailable)) == ["a", "b", "c"]
    assert names(targets.items.values) == ["b", "c", "c"]
    assert targets.items.offsets.tolist() == [0, 1, 2, 3]
    assert targets.counts.tolist() == [1, 1, 1]


def test_a_history_is_in_the_recorded_order_and_keeps_repeats():
    history = rows(("ann", "c", 1), ("ann", "b", 1), ("ann", "c", 2), ("bob", "d", 2))
    part = rows(("ann", "d", 5))
    queries, _ = rolling_queries(rolling_events(history, part), history, part, VOCABULARY)
    assert names(queries.history.items.values) == ["c", "b", "c"]
    assert names(queries.excluded.values) == ["b", "c"]


def test_what_was_not_yet_known_is_neither_history_nor_excluded():
    history = rows(("ann", "a", 0), ("ann", "b", 1, "buy", 30), ("bob", "c", 2))
    part = rows(("ann", "c", 10))
    queries, _ = rolling_queries(rolling_events(history, part), history, part, VOCABULARY)
    assert names(queries.history.items.values) == names(queries.excluded.values) == ["a"]


def test_an_item_outside_the_vocabulary_stays_a_target_that_cannot_be_hit():
    events = rolling_events(HISTORY, PART)
    short = Vocabulary(["a", "b"])
    queries, targets = rolling_queries(events, HISTORY, PART, short)
    assert len(queries) == 3
    assert targets.items.offsets.tolist() == [0, 1, 1, 1]
    values = rolling_values(np.array([[1, 0], [0, 1], [0, -1]], dtype=np.int32), targets, [2])
    assert values["hr@2"].tolist() == [1, 0, 0]


def test_the_sample_is_seeded_stable_and_nested():
    history, part = many(40, 20)
    every = rolling_events(history, part)
    assert every["query_id"].n_unique() == every.height > 100
    few, more = rolling_events(history, part, n_events=30), rolling_events(history, part, n_events=60)
    assert (few.height, more.height) == (30, 60)
    assert set(few["query_id"]) < set(more["query_id"]) < set(every["query_id"])
    assert few["timestamp"].is_sorted()
    assert rolling_events(history, part, n_events=30).equals(few)
    assert not rolling_events(history, part, n_events=30, seed=1).equals(few)
    # the ids of events do not depend on what else there is
    one = few.row(0, named=True)
    lone = part.filter((pl.col("user_id") == one["user_id"]) & (pl.col("item_id") == one["item_id"]))
    assert rolling_events(history, lone)["query_id"].to_list() == [one["query_id"]]


def test_histories_agree_with_a_plain_loop_over_the_rows():
    history, part = many(30, 16)
    vocabulary = Vocabulary([f"i{place}" for place in range(16)])
    events = rolling_events(history, part)
    queries, targets = rolling_queries(events, history, part, vocabulary)
    expected = []
    had: dict[str, list[tuple]] = {}
    known = set(history["item_id"])
    for late, frame in ((False, history), (True, part)):
        for user, item, time in frame.select("user_id", "item_id", "timestamp").rows():
            past = had.setdefault(user, [])
            if late and past and item in known and item not in {item for _, item in past}:
                place = vocabulary.positions([item])[0]
                expected.append((user, place, [vocabulary.positions([item])[0] for _, item in past]))
            past.append((time, item))
    found = [
        (queries.user_ids[query], targets.items[query].item(), queries.history.items[query].tolist())
        for query in range(len(queries))
    ]
    assert found == expected


def test_values_of_an_event_and_their_means():
    events = rolling_events(HISTORY, PART)
    _, targets = rolling_queries(events, HISTORY, PART, VOCABULARY)
    lists = np.array([[2, 0, 1], [2, 1, -1], [-1, -1, -1]], dtype=np.int32)  # wanted: b, c, c
    values = rolling_values(lists, targets, [1, 3])
    assert values["ndcg@3"] == pytest.approx([0.5, 1.0, 0.0])  # 1 / log2(3 + 1), 1 / log2(1 + 1)
    assert values["hr@1"].tolist() == [0, 1, 0]
    assert values["hr@3"].tolist() == [1, 1, 0]
    assert values["mrr"] == pytest.approx([1 / 3, 1, 0])
    assert set(values) == {"ndcg@1", "hr@1", "ndcg@3", "hr@3", "mrr"}


def test_intervals_resample_users_not_events():
    same = {"hr@10": np.array([1.0] * 50 + [0.0] * 50)}
    alone = rolling_figures(np.array([f"u{place}" for place in range(100)]), {"ours": same}).row(0, named=True)
    together = rolling_figures(np.array(["u1"] * 50 + ["u2"] * 50), {"ours": same}).row(0, named=True)
    assert alone["value"] == together["value"] == 0.5
    assert (alone["n_events"], alone["n_users"]) == (100, 100)
    assert 0.35 < alone["low"] < 0.5 < alone["high"] < 0.65
    assert (together["low"], together["high"]) == (0, 1)  # two users: both of one kind is likely
    # an event-wise mean: a user with three events counts three times
    uneven = rolling_figures(np.array(["u1", "u1", "u1", "u2"]), {"ours": {"mrr": np.array([1.0, 1.0, 1.0, 0.0])}})
    assert uneven["value"].to_list() == [0.75]


def test_the_lead_is_that_of_the_means_and_its_bounds_are_paired():
    users = np.array([f"u{place}" for place in range(200)])
    theirs = np.tile([0.2, 0.6], 100)
    found = rolling_figures(users, {"ours": {"mrr": theirs * 1.5}, "theirs": {"mrr": theirs}})
    ours, other = found.rows(named=True)
    assert ours["lead"] is None
    assert [other["lead"], other["lead_low"], other["lead_high"]] == pytest.approx([0.5] * 3)
    assert "+50.0 %" in rolling_text(found)


def test_the_lead_over_nothing_is_told_in_figures():
    users = np.array([f"u{place}" for place in range(200)])
    ours = np.tile([0.2, 0.6], 100)
    figures = rolling_figures(users, {"ours": {"mrr": ours}, "theirs": {"mrr": np.zeros(200)}})
    other = figures.row(1, named=True)
    assert other["difference"] == pytest.approx(0.4)
    assert 0.35 < other["difference_low"] < 0.4 < other["difference_high"] < 0.45
    text = rolling_text(figures)
    assert "+0.4000 absolute [+0.3" in text and "unbounded" not in text


def test_the_table_holds_the_first_ranks_of_each_event():
    events = rolling_events(HISTORY, PART)
    lists = np.array([[2, 0, 1], [2, 1, -1], [-1, -1, -1]], dtype=np.int32)
    table = rolling_table(events, lists, VOCABULARY, depth=2)
    assert table.columns == list(ROLLING.columns)
    assert table.select("user_id", "target_item_id", "item_id", "rank").rows() == [
        ("ann", "b", "c", 1),
        ("ann", "b", "a", 2),
        ("cid", "c", "c", 1),
        ("cid", "c", "b", 2),
    ]
    assert table["query_id"].to_list()[::2] == events["query_id"].to_list()[:2]


def test_nothing_to_ask_is_no_error():
    nothing = HISTORY.clear()
    for history, part in ((nothing, PART), (HISTORY, nothing), (nothing, nothing)):
        events = rolling_events(history, part, n_events=5)
        assert events.is_empty()
        queries, targets = rolling_queries(events, history, part, VOCABULARY)
        assert len(queries) == len(targets.counts) == 0
        values = rolling_values(np.zeros((0, 5), dtype=np.int32), targets, [5])
        assert rolling_figures(queries.user_ids, {"ours": values})["n_events"].to_list() == [0, 0, 0]
        assert rolling_table(events, np.zeros((0, 5), dtype=np.int32), VOCABULARY).is_empty()
