"""Markov against values worked out by hand and against a plain loop over all pairs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from models.data.queries import one_query
from models.data.types import Catalogue, Log, Queries
from models.data.vocabulary import Vocabulary
from models.explain import contributions
from models.retrieval.transitions import Sequences, transitions
from models.retrievers.markov import Markov, MarkovParams, last_acts

DAY = 86_400_000_000
PLAIN = {"backward": 0, "shrinkage": 0, "popularity_power": 0}


def make_catalogue(n_items: int) -> Catalogue:
    return Catalogue(
        vocabulary=Vocabulary([f"i{place:03}" for place in range(n_items)]),
        titles=[None] * n_items,
        tags=[[] for _ in range(n_items)],
        category_names=[],
        categories=np.full(n_items, -1, dtype=np.int32),
        prices=np.full(n_items, np.nan, dtype=np.float32),
        created_at=np.full(n_items, np.iinfo(np.int64).min),
    )


def make_log(rows: list[tuple[int, int, float]], trust: list[float] | None = None, at: int = 100 * DAY) -> Log:
    """From (user, item, day)."""
    users, items, days = (np.array(column) for column in zip(*rows, strict=True))
    return Log(
        user_ids=np.array([f"u{place}" for place in range(int(users.max()) + 1)]),
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        times=(days * DAY).astype(np.int64),
        values=np.full(len(rows), np.nan, dtype=np.float32),
        weights=np.array(trust or [1.0] * len(rows), dtype=np.float32),
        at=at,
    )


def counted(log: Log, n_items: int, window: int = 20, power: float = 1.0, backward: float = 0.0) -> np.ndarray:
    sequences = Sequences.of(log, n_items, log.weights.astype(np.float64))
    return transitions(sequences, 0, n_items, n_items, window, power, backward)


def query(history: list[int], days: list[float], n_items: int = 6) -> Queries:
    names = [f"i{place:03}" for place in history]
    times = [int(day * DAY) for day in days]
    return one_query("x", 100 * DAY, names, times, make_catalogue(n_items).vocabulary)


def test_a_follower_counts_one_over_its_gap_within_the_window():
    log = make_log([(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 2, 0), (1, 0, 9)])
    assert counted(log, 3) == pytest.approx(np.array([[0, 1, 0.5], [0, 0, 1], [1, 0, 0]]))
    assert counted(log, 3, window=1) == pytest.approx(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]))
    assert counted(log, 3, power=2) == pytest.approx(np.array([[0, 1, 0.25], [0, 0, 1], [1, 0, 0]]))


def test_what_precedes_counts_a_share_of_what_follows():
    log = make_log([(0, 0, 0), (0, 1, 1), (0, 2, 2)])
    assert counted(log, 3, backward=0.5) == pytest.approx(np.array([[0, 1, 0.5], [0.5, 0, 1], [0.25, 0.5, 0]]))


def test_the_acts_of_one_instant_follow_each_other_as_they_were_recorded():
    log = make_log([(0, 2, 1), (0, 0, 1), (0, 1, 1)])
    assert counted(log, 3) == pytest.approx(np.array([[0, 1, 0], [0, 0, 0], [1, 0.5, 0]]))


def test_trust_of_both_acts_multiplies_and_no_item_follows_itself():
    log = make_log([(0, 0, 0), (0, 0, 1), (0, 1, 2), (0, 2, 3)], [1.0, 0.5, 0.5, 0.0])
    # 0 is followed by 1 at gap 2 (trust 1 · 0.5) and at gap 1 (0.5 · 0.5); 2 is not trusted
    assert counted(log, 3) == pytest.approx(np.array([[0, 0.5, 0], [0, 0, 0], [0, 0, 0]]))


def test_transitions_agree_with_a_loop_over_all_pairs():
    rng = np.random.default_rng(3)
    acts = [(int(rng.integers(4)), int(rng.integers(9)), int(rng.integers(25))) for _ in range(160)]
    log = make_log(sorted(acts, key=lambda act: act[2]), rng.choice([0.5, 1.0], 160).tolist())
    window, backward = 6, 0.3
    expected = np.zeros((9, 9))
    for user in range(4):
        own = np.flatnonzero(log.users == user)
        for one in range(len(own)):
            for two in range(len(own)):
                gap, items = two - one, log.items[own[[one, two]]]
                if items[0] != items[1] and 0 < abs(gap) <= window:
                    worth = 1 / gap if gap > 0 else backward / -gap
                    expected[items[0], items[1]] += log.weights[own[one]] * log.weights[own[two]] * worth
    assert counted(log, 9, window=window, backward=backward) == pytest.approx(expected, rel=1e-5)


def test_blocks_of_items_give_the_rows_of_the_whole():
    rng = np.random.default_rng(4)
    log = make_log([(int(rng.integers(5)), int(rng.integers(9)), day) for day in range(90)])
    sequences = Sequences.of(log, 9, log.weights.astype(np.float64))
    whole = transitions(sequences, 0, 9, 9, 5, 1.0, 0.5)
    parts = [transitions(sequences, start, stop, 9, 5, 1.0, 0.5) for start, stop in pairwise([0, 2, 7, 9])]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_weights_are_shares_shrunk_and_discounted_by_popularity():
    log = make_log([(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 2, 1), (2, 0, 0), (2, 2, 1)])
    shares = Markov(MarkovParams(**PLAIN)).fit(log, make_catalogue(4)).weights_.toarray()
    assert shares[0] == pytest.approx([0, 1 / 3, 2 / 3, 0])
    assert not shares[1:].any()
    shrunk = Markov(MarkovParams(**{**PLAIN, "shrinkage": 5})).fit(log, make_catalogue(4)).weights_.toarray()
    assert shrunk[0] == pytest.approx([0, 1 / 8, 2 / 8, 0])
    rare = Markov(MarkovParams(**{**PLAIN, "popularity_power": 1})).fit(log, make_catalogue(4)).weights_.toarray()
    assert rare[0] == pytest.approx([0, 1 / 3, 1 / 3, 0])  # chosen once, twice: 1/3 / 1 and 2/3 / 2
    one = Markov(MarkovParams(**PLAIN, keep=1)).fit(log, make_catalogue(4)).weights_.toarray()
    assert one[0] == pytest.approx([0, 0, 2 / 3, 0])


def test_old_transitions_fade_with_both_of_their_acts():
    log = make_log([(0, 0, 90), (0, 1, 90.5), (1, 0, 100), (1, 2, 100)], at=100 * DAY)
    found = Markov(MarkovParams(**PLAIN, half_life_days=10)).fit(log, make_catalogue(3)).weights_.toarray()
    old, new = 2**-1.0 * 2**-0.95, 1.0
    assert found[0] == pytest.approx([0, old / (old + new), new / (old + new)])


def test_the_newest_acts_count_most_by_their_place_alone():
    params = MarkovParams(last_events=4, recency_power=1)
    for days in ([1, 2, 3, 4, 5], [1, 1, 1, 5, 5]):
        found = last_acts(query([3, 1, 0, 2, 4], days), 6, params).toarray()[0]
        assert found == pytest.approx([1 / 3, 1 / 4, 1 / 2, 0, 1, 0])  # 4, 2, 0, 1 from the newest; 3 is too old
    # a repeated item has what its acts have together
    twice = last_acts(query([0, 1, 0], [1, 2, 3]), 6, params).toarray()[0]
    assert twice == pytest.approx([1 + 1 / 3, 1 / 2, 0, 0, 0, 0])


def test_score_is_the_sum_over_the_last_acts_and_what_it_is_made_of():
    rng = np.random.default_rng(5)
    log = make_log([(int(rng.integers(5)), int(rng.integers(6)), day) for day in range(60)])
    markov = Markov(MarkovParams(recency_power=0)).fit(log, make_catalogue(6))
    hits = markov.retrieve(query([3, 1], [1, 2]), 4)
    weights = markov.weights_.toarray()
    expected = weights[3] + weights[1]
    expected[[1, 3]] = -1
    assert hits.items[0].tolist() == np.argsort(-expected, kind="stable")[:4].tolist()
    assert hits.scores[0] == pytest.approx(np.sort(expected)[::-1][:4], rel=1e-6)
    best = hits.items[0, 0]
    falls = contributions(markov, query([3, 1], [1, 2]), [np.array([3]), np.array([1])], np.array([best]))[:, 0]
    assert falls == pytest.approx([weights[3, best], weights[1, best]])
    assert falls.sum() == pytest.approx(hits.scores[0, 0], rel=1e-6)


def test_what_follows_is_offered_first_where_order_is_all_there_is_to_learn():
    rng = np.random.default_rng(8)
    rows = [
        (user, (start + step) % 10, step) for user, start in enumerate(rng.integers(0, 10, 40)) for step in range(8)
    ]
    markov = Markov().fit(make_log(rows), make_catalogue(10))
    for item in range(10):
        assert markov.retrieve(query([item], [1], 10), 2).items[0].tolist() == [(item + 1) % 10, (item + 2) % 10]
