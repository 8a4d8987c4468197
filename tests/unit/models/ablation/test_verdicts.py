"""Verdicts on language parts: the lift of a part, its price, the sentence, and parts that stand in for each other."""

from __future__ import annotations

import numpy as np
import pytest

from models.ablation.ablate_params import AblateParams, PartWorth, Worth
from models.ablation.assessing import Subject, assess
from models.ablation.costs import Cost, bytes_of
from models.ablation.elimination import eliminate
from models.ablation.kept import Kept, KeptOfRetriever, kept_of_retriever
from models.ablation.paired_lift import Lift, paired_lift

PARAMS = AblateParams(least_users=2)


def lift(value: float, low: float, n_users: int = 200) -> Lift:
    return Lift(n_users=n_users, with_part=0.2, without=0.2 * (1 - value), lift=value, low=low, high=2 * value - low)


def subject(name: str = "encoder words", **cost: float) -> Subject:
    return Subject(name, "NDCG@10", Cost(**cost))


def test_a_lift_is_the_share_that_would_be_lost_and_its_interval_is_over_users_and_items():
    """One item: cells of the lift ((1 - 0.25) · 0.5 - 0.3) / 0.8 = 0.09375 and -0.09375; over users and over cells
    alike 2 · 0.09375², over items 0, so that the variance is that over users."""
    found = paired_lift(np.array([[0.5], [0.3]]), np.array([[0.3], [0.3]]), PARAMS)
    assert (found.n_users, found.with_part, found.without) == (2, pytest.approx(0.4), pytest.approx(0.3))
    assert found.lift == pytest.approx(0.25)  # 1 - 0.3 / 0.4
    assert found.high - found.lift == pytest.approx(1.959964 * 0.09375 * 2**0.5)
    assert found.lift - found.low == pytest.approx(found.high - found.lift)


def test_what_a_single_item_gains_for_all_users_alike_is_no_lift_beyond_doubt():
    """Two users, two items: the first loses 0.1 for both, the second gains 0.2 for both; over users nothing varies."""
    found = paired_lift(np.array([[0.1, 0.3], [0.1, 0.3]]), np.array([[0.2, 0.1], [0.2, 0.1]]), PARAMS)
    assert found.lift == pytest.approx(0.25)  # 1 - 0.6 / 0.8
    cells = np.array([[0.075 - 0.2, 0.225 - 0.1]] * 2) / 0.8
    error = (2 * (2 * cells[0, 0]) ** 2 - 4 * cells[0, 0] ** 2) ** 0.5
    assert found.low == pytest.approx(0.25 - 1.959964 * error) and found.low < 0


def test_a_part_that_changes_nothing_has_no_lift_and_is_dropped():
    values = np.linspace(0, 1, 200)[:, None]
    found = paired_lift(values, values, PARAMS)
    assert (found.lift, found.low, found.high) == (0, 0, 0)
    judged = assess(subject(), found, PARAMS)
    assert not judged.kept
    assert judged.why.startswith("dropped: a lift of 0 %")
    assert "it would stay with ablate.least_lift below 0 %" in judged.why


def test_without_users_nothing_is_dropped():
    judged = assess(subject(), paired_lift(np.zeros((0, 3)), np.zeros((0, 3)), PARAMS), PARAMS)
    assert judged.kept and judged.why.startswith("stays: 0 users are fewer than the 2")


def test_nothing_with_and_without_is_no_lift_and_less_with_it_is_bounded():
    assert paired_lift(np.zeros((9, 1)), np.zeros((9, 1)), PARAMS).lift == 0
    assert paired_lift(np.full((9, 1), 0.1), np.ones((9, 1)), PARAMS).low == -1


def test_a_price_is_the_sum_of_its_shares_and_the_sentence_says_at_what_price_a_part_would_stay():
    worth = Worth(tokens=1000, milliseconds=0.5, bytes=10_000_000)
    cost = Cost(tokens=2000, milliseconds=1.0, bytes=20_000_000)
    assert cost.price(worth) == pytest.approx(6.0)  # 2 + 2 + 2
    params = PARAMS.model_copy(update={"worth": worth})
    parts = {"tokens": 2000, "milliseconds": 1.0, "bytes": 20_000_000}
    assert assess(subject(**parts), lift(0.08, 0.02), params).kept
    dear = assess(subject(**parts), lift(0.03, 0.02), params)
    assert not dear.kept and dear.price == pytest.approx(6.0)
    assert "2,000 tokens, 20.0 MB, 1.000 ms a request" in dear.why
    assert "it would stay where a lift of 1 % may cost 2.0 times as much (ablate.worth)" in dear.why


def test_a_part_may_have_prices_of_its_own():
    worth = Worth(bytes=100, parts={"map": PartWorth(bytes=1000)})
    assert Cost(bytes=500).price(worth.of("map")) == pytest.approx(0.5 + 0)
    assert Cost(bytes=500).price(worth.of("encoder words")) == 5


def test_of_two_parts_that_say_the_same_one_stays():
    """Either alone gives 0.3; both together no more; neither: 0.1."""

    def metric(names: frozenset[str]) -> np.ndarray:
        return np.full((200, 1), 0.3 if names else 0.1)

    both = [(name, subject(name)) for name in ("one", "other")]
    parts, left, values = eliminate(both, metric, PARAMS, least=0)
    assert [(part.part, part.kept) for part in parts] == [("one", False), ("other", True)]
    assert left == {"other"} and values[0, 0] == 0.3
    assert parts[1].lift == pytest.approx(2 / 3, abs=1e-5)  # judged anew when the first was gone


def test_the_last_one_of_its_kind_stays_whatever_it_shows():
    parts, left, _ = eliminate(
        [(name, subject(name)) for name in ("one", "other")], lambda _: np.full((200, 1), 0.3), PARAMS, least=1
    )
    assert [(part.part, part.kept) for part in parts] == [("one", False), ("other", True)]
    assert parts[1].why == "stays: the others of its kind were dropped, and one is needed"
    assert left == {"other"}


def test_useful_parts_stay_and_each_set_is_asked_once():
    asked: list[frozenset[str]] = []

    def metric(names: frozenset[str]) -> np.ndarray:
        asked.append(names)
        return np.full((200, 1), 0.1 + 0.1 * len(names & {"one", "other"}))

    subjects = [(name, subject(name)) for name in ("one", "other", "useless")]
    parts, left, _ = eliminate(subjects, metric, PARAMS, least=1)
    assert left == {"one", "other"} and [part.kept for part in parts] == [True, True, False]
    assert len(asked) == len(set(asked)) == 6  # all; three without one; then two without one of the rest


def test_what_stays_is_read_back_and_told_to_each_retriever(tmp_path):
    kept = Kept(retrievers_left_out=["cold_items"], vectors_left_out=["words"])
    kept.write(tmp_path / "kept.json")
    assert Kept.read(tmp_path / "kept.json") == kept
    assert kept_of_retriever(kept, "ease", False) == KeptOfRetriever()
    assert kept_of_retriever(kept, "cold_items", True) == KeptOfRetriever(kept=False, vectors_left_out=["words"])


def test_the_size_of_a_folder_counts_all_its_files(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "one").write_bytes(b"123")
    (tmp_path / "deep" / "two").write_bytes(b"12345")
    assert bytes_of(tmp_path) == 8
