"""benchmarks.peers: what each peer recommends in a small world, EASE by hand, and the words of the verdict."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from benchmarks.peers.answers import answer
from benchmarks.peers.elsewhere import unseen
from benchmarks.peers.judging import standings, verdict
from benchmarks.peers.models import PEERS, ease_weights, popular, ranked
from benchmarks.peers.past import Asked, Histories, Past
from benchmarks.peers.report import as_json, table
from benchmarks.peers.tasks import METRICS, PeerTask, frozen, frozen_exam
from benchmarks.pooled import pooled
from features.positives import DEFAULT_POSITIVES
from features.schema import INTERACTIONS

START = datetime(2024, 1, 1, tzinfo=UTC)


def _two_tastes() -> tuple[Past, Asked]:
    """40 users choose 4 of the items 0 to 5 or of 6 to 11, 12 is nobody's; two more are asked, with 3 items each."""
    rng = np.random.default_rng(0)
    rows = [rng.permutation(6)[:4] + 6 * (user % 2) for user in range(40)] + [np.arange(3), np.arange(6, 9)]
    past = Past.of(_histories(*(row.tolist() for row in rows)), 13)
    return past, _asked(past, [40, -1, 41])


def _histories(*items: list[int]) -> Histories:
    """Of a choice a day."""
    owners = np.repeat(np.arange(len(items)), [len(row) for row in items])
    days = np.concatenate([np.arange(len(row)) for row in items])
    return Histories.of(owners, np.concatenate(items).astype(np.int64), days * 86_400_000_000, len(items))


def _asked(past: Past, rows: list[int]) -> Asked:
    """Users of the past by their rows, -1 for somebody new."""
    histories = past.histories.take(np.array(rows))
    return Asked(histories, histories.matrix(past.n_items), np.array(rows))


def _sitting(history: pl.DataFrame, part: pl.DataFrame) -> PeerTask:
    return frozen(frozen_exam(history, part, DEFAULT_POSITIVES, None, []), history, DEFAULT_POSITIVES)


def _rows(*acts: tuple[str, str, int]) -> pl.DataFrame:
    """INTERACTIONS of (user, item, day)."""
    times = [START + timedelta(days=day) for *_, day in acts]
    given = pl.DataFrame({"user_id": [act[0] for act in acts], "item_id": [act[1] for act in acts]})
    frame = given.with_columns(timestamp=pl.Series(times), known_at=pl.Series(times))
    empty = [pl.lit(None).alias(name) for name in INTERACTIONS.columns if name not in frame.columns]
    return frame.with_columns(empty).cast({"event": pl.String})


@pytest.mark.parametrize("name", [name for name in PEERS if name != "popular"])
def test_a_peer_recommends_what_those_of_the_same_taste_chose_and_nothing_seen(name: str) -> None:
    past, asked = _two_tastes()
    for setting in PEERS[name].grid:
        lists = ranked(past, asked, PEERS[name].fit(past, setting), depth=20)
        if name != "implicit BPR":  # its learning rates are for worlds of more than 160 choices
            assert sorted(lists[0, :3]) == [3, 4, 5]
            assert sorted(lists[2, :3]) == [9, 10, 11]
        assert sorted(lists[0][lists[0] >= 0]) == [3, 4, 5, 6, 7, 8, 9, 10, 11]
        assert (lists[1] == -1).all()


def test_of_a_list_from_elsewhere_only_what_the_user_has_not_seen_is_kept_in_its_order() -> None:
    lists = unseen(_two_tastes()[1], np.array([0, 2]), np.array([[5, 0, 3, 1], [8, 10, -1, -1]]))
    assert lists[0][lists[0] >= 0].tolist() == [5, 3]
    assert lists[2][lists[2] >= 0].tolist() == [10]
    assert (lists[1] == -1).all()


@pytest.mark.parametrize("name", list(PEERS))
def test_a_peer_answers_the_same_when_it_is_fitted_again(name: str) -> None:
    (past, asked), peer = _two_tastes(), PEERS[name]
    first, second = (ranked(past, asked, peer.fit(past, peer.grid[0])) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_bpr_learns_two_tastes_when_it_is_given_time() -> None:
    past, asked = _two_tastes()
    setting = {"factors": 8, "learning_rate": 0.1, "regularization": 0.01, "iterations": 600}
    lists = ranked(past, asked, PEERS["implicit BPR"].fit(past, setting))
    assert sorted(lists[0, :3]) == [3, 4, 5]


def test_popular_counts_an_old_choice_less() -> None:
    days = np.array([7, 0, 14]) * 86_400_000_000
    past = Past.of(Histories.of(np.arange(3), np.array([0, 0, 1]), days, 3), 2)
    assert popular(past, {"half_life": 7.0})(_asked(past, [0, 1])).tolist() == [[0.75, 1.0]] * 2
    assert popular(past, {"half_life": None})(_asked(past, [0])).tolist() == [[2.0, 1.0]]


def test_ease_is_its_closed_form_on_three_items() -> None:
    """XᵀX + I = [[3, 1, 0], [1, 3, 1], [0, 1, 2]]; its inverse times 13 is [[5, -2, 1], [-2, 6, -3], [1, -3, 8]]."""
    chosen = sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=np.float32))
    expected = [[0, 2 / 6, -1 / 8], [2 / 5, 0, 3 / 8], [-1 / 5, 3 / 6, 0]]
    np.testing.assert_allclose(ease_weights(chosen, 1.0), expected, atol=1e-12)


def test_a_sitting_leaves_out_repeats_and_items_without_history() -> None:
    history = _rows(("a", "x", 0), ("a", "x", 4), ("b", "y", 4), ("c", "x", 2), ("c", "z", 3))
    test = _sitting(history, _rows(("a", "x", 5), ("a", "z", 5), ("b", "new", 5), ("d", "x", 5)))
    assert test.names.tolist() == ["a", "b", "d"]
    assert test.asked.rows is not None
    assert test.asked.rows.tolist() == [0, 1, -1]
    assert test.past.chosen.nnz == 4
    assert test.past.ages.tolist() == [0.0, 0.0, 2.0, 1.0]  # a x (the later of two), b y, c x, c z
    lists = ranked(test.past, test.asked, popular(test.past, {"half_life": None}))
    assert test.item_ids[lists[0, :2]].tolist() == ["y", "z"]
    # only a, with target z at rank 2, is warm: 1 / log2(3)
    np.testing.assert_allclose(test.values(lists), [[1 / np.log2(3), 1.0, 1.0]])


def test_the_setting_is_the_one_that_valid_prefers() -> None:
    """`old` was chosen thrice long ago, `now` once on the last day: who wants `now` next needs a short half life."""
    history = _rows(("p", "old", 0), ("q", "old", 0), ("r", "old", 0), ("p", "now", 60), ("u", "x", 60), ("v", "x", 0))
    valid, test = _sitting(history, _rows(("u", "now", 61))), _sitting(history, _rows(("v", "now", 61)))
    given = answer("popular", valid, test.past, test.asked)
    assert given.setting == {"half_life": 7.0}
    assert given.memory > 1
    assert test.item_ids[given.lists[0, :2]].tolist() == ["now", "old"]


@pytest.mark.parametrize(
    ("shift", "words"),
    [(0.1, "superior"), (-0.1, "inferior"), (0.0, "not distinguishable")],
    ids=["up", "down", "same"],
)
def test_the_verdict_is_about_the_best_peer_and_follows_the_interval(shift: float, words: str) -> None:
    rng = np.random.default_rng(3)
    theirs = rng.uniform(0.3, 0.5, (200, 3))
    noise = rng.normal(0, 0.01, (200, 1))
    values = {"recops": theirs + shift + noise - noise.mean(), "weak": theirs - 0.2, "strong": theirs}
    shown = standings(values, n_resamples=200, seed=1, confidence=0.95)
    assert verdict(shown) == ("strong", words)
    assert shown["strong"].lead.value == pytest.approx(shift)
    assert shown["weak"].share == pytest.approx((theirs[:, 0].mean() - 0.2) / (theirs[:, 0].mean() + shift))
    assert table(shown, {}, METRICS, 0.95).splitlines()[0].startswith("model")


def test_pooled_leads_count_users_and_each_file_by_its_own_scale() -> None:
    shown = pooled({"wide": np.array([0.5, 0.5, 0.5]), "narrow": np.array([-0.1])})
    assert shown["all"].value == pytest.approx((3 * 0.5 - 0.1) / 4)
    assert (shown["wide"].low, shown["wide"].high) == pytest.approx((0.5, 0.5))


def test_relative_leads_are_over_the_best_peers_mean() -> None:
    values = {"recops": np.full((2, 3), 0.6), "weak": np.full((2, 3), 0.1), "strong": np.array([[0.2] * 3, [0.6] * 3])}
    shown = standings(values, n_resamples=50, seed=1, confidence=0.95)
    told = json.loads(as_json(shown, {}, values, metrics=METRICS, protocol="frozen", judge="ours"))
    assert (told["best_peer"], told["relative_leads"]) == ("strong", [1.0, 0.0])
