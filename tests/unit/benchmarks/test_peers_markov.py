"""benchmarks.peers: histories in their order, and the peer that reads it, by hand."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.markov import newest, transitions
from benchmarks.peers.models import ease, ease_weights, markov
from benchmarks.peers.past import Asked, Histories, Past


def _histories(*items: list[int]) -> Histories:
    """Of a choice a µs."""
    owners = np.repeat(np.arange(len(items)), [len(row) for row in items])
    times = np.concatenate([np.arange(len(row)) for row in items])
    return Histories.of(owners, np.concatenate(items).astype(np.int64), times, len(items))


def test_a_history_taken_or_thinned_keeps_its_order() -> None:
    acts = _histories([5, 3, 5], [], [2, 2, 1])
    taken = acts.take(np.array([2, -1, 0]))
    assert (taken.offsets.tolist(), taken.items.tolist()) == ([0, 3, 3, 6], [2, 2, 1, 5, 3, 5])
    once = acts.once()
    assert (once.offsets.tolist(), once.items.tolist()) == ([0, 2, 2, 4], [3, 5, 2, 1])


def test_the_newest_acts_of_a_history_count_most() -> None:
    acts = _histories([5, 3, 5], [], [2, 2, 1])
    assert newest(acts, 1.0, 2).tolist() == [0, 1 / 2, 1, 0, 1 / 2, 1]
    # 5 is the newest and the third newest, 3 is between them
    np.testing.assert_allclose(acts.matrix(6, newest(acts, 1.0)).toarray()[0], [0, 0, 0, 1 / 2, 0, 1 + 1 / 3])
    assert acts.matrix(6).toarray()[0].tolist() == [0, 0, 0, 1, 0, 1]


def test_what_follows_within_the_window_counts_by_the_inverse_of_the_gap() -> None:
    """a b c a gives a→b 1, a→c 1/2, b→c 1, b→a 1/2, c→a 1 (a→a, three acts apart, is none); a c gives a→c 1."""
    found = transitions(_histories([0, 1, 2, 0], [0, 2]), 3, 3)
    np.testing.assert_allclose(found.toarray(), [[0, 1, 1 / 2 + 1], [1 / 2, 0, 1], [1, 0, 0]])


def test_nobody_goes_on_where_another_ended() -> None:
    assert transitions(_histories([0], [1], [2]), 3, 5).nnz == 0


def test_acts_of_one_instant_follow_each_other_as_their_rows_do() -> None:
    """User 0 chose 2 before 0, user 1 chose 1 before 2, all at one instant: the order of a file without times."""
    acts = Histories.of(np.array([1, 0, 0, 1]), np.array([1, 2, 0, 2]), np.zeros(4, dtype=np.int64), 2)
    assert acts.items.tolist() == [2, 0, 1, 2]
    np.testing.assert_allclose(transitions(acts, 3, 1).toarray(), [[0, 0, 0], [0, 0, 1], [1, 0, 0]])


def test_markov_scores_what_followed_the_newest_acts() -> None:
    """Of a b c, a c and b: a→b 1, a→c 1/2 + 1, b→c 1; as shares of their row's sum plus 1/2: 1/3, 1/2 and 2/3; over the
    square root of the 2 users each of b and c. Asked with c a b, of which the last two count: b's and half of a's."""
    past = Past.of(_histories([0, 1, 2], [0, 2], [1]), 3)
    asked = _histories([2, 0, 1])
    scores = markov(past, {"window": 2, "last": 2, "shrinkage": 0.5, "beta": 0.5})
    found = scores(Asked(asked, asked.matrix(3)))
    np.testing.assert_allclose(found, [[0, 1 / 2 * 1 / 3 / np.sqrt(2), (2 / 3 + 1 / 2 * 1 / 2) / np.sqrt(2)]])


def test_ease_may_count_the_newest_acts_most() -> None:
    past = Past.of(_histories([0, 1], [1, 2], [0]), 3)
    asked = _histories([0, 1])
    scores = ease(past, {"penalty": 1.0, "power": 1.0})
    weights = ease_weights(past.chosen, 1.0)
    np.testing.assert_allclose(scores(Asked(asked, asked.matrix(3))), [weights[0] / 2 + weights[1]])
