"""Exploration: which places are drawn, from what, and that the chances told are those of the draw."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.exploration import ExploreParams, explore, key_of, uniforms

SCORES = np.arange(8, 0, -1, dtype=np.float32)


def test_without_slots_the_order_stays():
    order, chances = explore(np.array([1, 0, 2]), SCORES, ExploreParams(), "key")
    assert order.tolist() == [1, 0, 2]
    assert chances.tolist() == [1, 1, 1]


def test_the_last_of_the_first_places_are_drawn_and_the_rest_follows_as_it_came():
    # shown 1, 0, 2, 3 …; of the first 4 places two are drawn, from the 3 best without a place: 2, 3, 4
    params = ExploreParams(slots=2, depth=4, pool=3)
    for number in range(20):
        order, chances = explore(np.array([1, 0, 2, 3, 4, 5]), SCORES, params, str(number))
        assert order[:2].tolist() == [1, 0]
        assert set(order[2:4].tolist()) < {2, 3, 4}
        assert order[4:].tolist() == [place for place in (2, 3, 4, 5) if place not in order[2:4]]
        assert chances == pytest.approx([1, 1, 1 / 3, 1 / 2, 1, 1])


def test_a_short_list_starts_like_a_long_one():
    params = ExploreParams(slots=2, depth=4, pool=5, temperature=0.5)
    for number in range(10):
        short, long = (explore(np.arange(n), SCORES, params, str(number)) for n in (4, 8))
        assert short[0].tolist() == long[0][:4].tolist()
        assert short[1].tolist() == long[1][:4].tolist()


def test_items_come_as_often_as_their_chances_say():
    # the pool 1, 2, 3 with scores 1, 1/2, 0 after scaling and temperature 1/2: weights 1, e^-1, e^-2
    params, drawn = ExploreParams(slots=2, depth=3, pool=3, temperature=0.5), Counter()
    weights = {1: 1.0, 2: np.exp(-1), 3: np.exp(-2)}
    total = sum(weights.values())
    for user in range(20_000):
        order, chances = explore(np.arange(3), SCORES, params, key_of("bundle", f"u{user}", 7))
        first, second = order[1:].tolist()
        assert chances[1:] == pytest.approx([weights[first] / total, weights[second] / (total - weights[first])])
        drawn[first, second] += 1
    for (first, second), n in drawn.items():
        chance = weights[first] / total * weights[second] / (total - weights[first])
        assert n / 20_000 == pytest.approx(chance, abs=4 * np.sqrt(chance / 20_000))
    assert len(drawn) == 6


def test_draws_hang_on_bundle_user_and_instant():
    one = uniforms(key_of("b", "u", 1), 3)
    assert one == uniforms(key_of("b", "u", 1), 3)
    assert all(uniforms(key, 3) != one for key in (key_of("c", "u", 1), key_of("b", "v", 1), key_of("b", "u", 2)))


def test_fewer_candidates_than_places_are_no_error():
    order, chances = explore(np.arange(2), SCORES[:2], ExploreParams(slots=5), "key")
    assert sorted(order.tolist()) == [0, 1]
    assert chances == pytest.approx([1 / 2, 1])
    assert explore(np.arange(0), SCORES[:0], ExploreParams(slots=5), "key")[0].tolist() == []
