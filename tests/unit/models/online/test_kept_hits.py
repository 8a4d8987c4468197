"""Lists of retrievers are kept for those who ask again, while nothing has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.online.per_user.kept_hits import KeptHits
from models.single_query.one_query import OneHits, OneQuery

DAY = 86_400_000_000
HITS = {"ease": OneHits(np.array([4, 2], dtype=np.int32), np.array([2.0, 1.0], dtype=np.float32))}


def query(user_id: str = "ada", items: tuple[int, ...] = (1, 3), first: int = DAY) -> OneQuery:
    times = first + np.arange(len(items), dtype=np.int64)
    return OneQuery.of_events(user_id, 9 * DAY, np.array(items, np.int32), times, np.zeros(20, dtype=np.bool_))


def test_the_same_history_finds_its_lists_at_any_later_instant():
    kept = KeptHits()
    kept.keep(query(), 2, HITS)
    assert kept.find(query(), 2) is HITS
    assert kept.find(replace(query(), at=30 * DAY), 2) is HITS


@pytest.mark.parametrize(
    ("asked", "k"),
    [
        (query(items=(1, 3, 5)), 2),
        (query(items=(1, 5)), 2),
        (query(first=2 * DAY), 2),
        (replace(query(), weights=np.array([1.0, 0.5])), 2),
        (replace(query(), blocked=np.arange(20) == 7), 2),
        (query(), 3),
        (query("bob"), 2),
    ],
    ids=["a new event", "another item", "another time", "another weight", "an item blocked", "more", "somebody else"],
)
def test_whatever_a_list_depends_on_makes_it_another(asked, k):
    kept = KeptHits()
    kept.keep(query(), 2, HITS)
    assert kept.find(asked, k) == {}


def test_those_who_asked_last_stay_within_the_memory():
    kept = KeptHits()
    kept.keep(query("one"), 2, HITS)
    kept.max_bytes = 2 * kept.n_bytes
    kept.keep(query("two"), 2, HITS)
    kept.find(query("one"), 2)
    kept.keep(query("six"), 2, HITS)
    assert kept.user_ids() == ["one", "six"]
    assert kept.n_bytes == kept.max_bytes


def test_of_a_user_who_is_forgotten_nothing_stays():
    kept = KeptHits()
    kept.keep(query(), 2, HITS)
    kept.forget("ada")
    kept.forget("nobody")
    assert (kept.user_ids(), kept.n_bytes, kept.find(query(), 2)) == ([], 0, {})


def test_the_list_of_a_transformer_holds_while_the_time_since_the_newest_event_is_in_the_same_bucket():
    kept, both = KeptHits(), {**HITS, "sequence": HITS["ease"]}
    asked = replace(query(), at=DAY + 1 + 5_000_000)  # 5 s after the newest event: buckets are 4 to 7 s, 8 to 15 s, …
    kept.keep(asked, 2, both, by_gap={"sequence"})
    assert kept.find(replace(asked, at=asked.at + 2_000_000), 2) == both
    assert kept.find(replace(asked, at=asked.at + 3_000_000), 2) == HITS
    assert kept.find(replace(asked, at=asked.at - 2_000_000), 2) == HITS
