"""The rows of a warm start: bounded, of the newest users, and no item is forgotten."""

from __future__ import annotations

import numpy as np

from models.updating.recent_rows import recent_rows
from tests.support.part_inputs import make_log


def rows_of(log):
    return list(zip(log.users.tolist(), log.items.tolist(), (log.times // 86_400_000_000).tolist(), strict=True))


def test_a_small_log_is_whole():
    log = make_log([(0, 0, 1), (1, 1, 2)])
    assert recent_rows(log, 2) is log


def test_the_users_who_acted_last_come_with_their_whole_histories():
    log = make_log([(0, 0, 1), (1, 0, 2), (2, 1, 3), (0, 1, 4), (1, 1, 5), (2, 0, 6)])
    newest = recent_rows(log, 2)
    assert rows_of(newest) == [(2, 1, 3), (2, 0, 6)]
    assert rows_of(recent_rows(log, 4)) == [(1, 0, 2), (2, 1, 3), (1, 1, 5), (2, 0, 6)]
    assert newest.n_users == 3 and newest.at == log.at


def test_an_item_that_no_recent_user_chose_comes_with_what_led_to_it():
    old = [(0, item, day) for day, item in enumerate([5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 9, 6])]
    log = make_log([*old, (1, 5, 20), (1, 6, 21), (1, 7, 22)])
    kept = recent_rows(log, 3)
    # 9 is chosen at place 10 of the history: the seven before it, itself, and the one after it
    assert rows_of(kept) == [*old[3:12], (1, 5, 20), (1, 6, 21), (1, 7, 22)]


def test_every_learned_item_is_in_the_rows_and_they_are_bounded():
    rng = np.random.default_rng(1)
    acts = sorted(
        ((int(rng.integers(50)), int(rng.zipf(1.3)) % 60, int(rng.integers(90))) for _ in range(2000)),
        key=lambda act: act[2],
    )
    log = make_log(acts)
    kept = recent_rows(log, 200)
    assert set(kept.items.tolist()) == set(log.items.tolist())
    n_others = 60  # items at most
    assert len(kept.items) <= 200 + 9 * n_others
    assert (np.diff(kept.times) >= 0).all()


def test_what_nobody_trusted_chose_needs_no_row():
    log = make_log([(0, 3, 1), (0, 4, 2), (1, 0, 3), (1, 1, 4)], trust=[0.0, 0.0, 1.0, 1.0])
    assert rows_of(recent_rows(log, 2)) == [(1, 0, 3), (1, 1, 4)]
