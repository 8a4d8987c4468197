"""Metrics, list properties and the test set, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import ndcg_score

from features.errors import ContractError
from models.data.ragged import Ragged
from models.evaluation.beyond_accuracy import gini, head, list_values, serendipity
from models.evaluation.evaluate import SLICES, Params, evaluate
from models.evaluation.metrics import accuracy, metric_names, recall_curve, target_positions
from models.evaluation.test_set import TestSet, make_test_set


def _pairs(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"user_id": pl.String, "item_id": pl.String}, orient="row")


def test_a_list_with_hits_at_ranks_one_and_three_of_four_targets() -> None:
    hits = np.array([[True, False, True, False]])
    values = {name: column[0] for name, column in accuracy(hits, np.array([4]), [2, 3]).items()}
    assert values["recall@3"] == 2 / 4
    assert values["precision@3"] == 2 / 3
    assert values["f1@3"] == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2))
    assert values["hr@2"] == 1.0
    assert values["mrr"] == 1.0
    assert values["map@3"] == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert values["ndcg@2"] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert values["ndcg@3"] == pytest.approx(1.5 / (1 + 1 / np.log2(3) + 1 / 2))


def test_silence_counts_as_zero_and_a_query_without_target_as_nothing() -> None:
    values = accuracy(np.zeros((2, 0), dtype=bool), np.array([3, 0]), [10])
    assert list(values) == metric_names([10])
    assert all(column[0] == 0.0 and np.isnan(column[1]) for column in values.values())


def test_mrr_is_cut_at_the_largest_k() -> None:
    hits = np.zeros((2, 30), dtype=bool)
    hits[0, 19] = hits[1, 20] = True
    assert accuracy(hits, np.array([1, 1]), [10, 20])["mrr"].tolist() == [1 / 20, 0.0]


def test_ndcg_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    hits = rng.random((50, 40)) < 0.2
    ours = accuracy(hits, hits.sum(axis=1), [10])["ndcg@10"]
    falling = np.arange(40, 0, -1.0)
    theirs = [ndcg_score([row], [falling], k=10) for row in hits.astype(float)]
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_pads_are_no_hits_and_targets_belong_to_their_query() -> None:
    targets = Ragged(np.array([0, 2, 2, 3]), np.array([1, 4, 0]))
    lists = np.array([[4, 0, -1], [1, 4, 0], [-1, -1, -1]])
    assert target_positions(lists, targets).tolist() == [[1, -1, -1], [-1, -1, -1], [-1, -1, -1]]


def test_the_curve_of_recall_ends_at_the_recall_of_the_whole_list() -> None:
    hits = np.array([[True, False, True], [False, True, False], [False, False, False]])
    assert recall_curve(hits, np.array([2, 4, 0])).tolist() == [0.25, 0.375, 0.625]


def test_gini_of_equal_and_of_concentrated_exposure() -> None:
    assert gini(np.array([3, 3, 3])) == 0.0
    assert gini(np.array([0, 0, 0, 8])) == 0.75


def test_the_head_is_a_tenth_of_the_items_with_history() -> None:
    popularity = np.array([0, *range(1, 21), 0])
    assert np.flatnonzero(head(popularity)).tolist() == [19, 20]


def _exam() -> TestSet:
    history = _pairs(("ann", "a"), ("ann", "a"), ("ann", "b"), ("bob", "a"), ("cem", "c"))
    later = _pairs(("ann", "a"), ("ann", "c"), ("ann", "new"), ("bob", "c"), ("dan", "a"))
    items = pl.DataFrame({"item_id": ["a", "b", "c", "new"], "tags": [["x"], ["x", "y"], ["y"], None]})
    return make_test_set(history, later, items)


def test_targets_are_later_items_that_are_not_in_the_history() -> None:
    test_set = _exam()
    assert test_set.user_ids.tolist() == ["ann", "bob", "dan"]
    per_user = [test_set.item_ids[test_set.targets[query]].tolist() for query in range(3)]
    assert per_user == [["c", "new"], ["c"], ["a"]]
    assert test_set.n_dropped == 1
    assert test_set.n_history.tolist() == [2, 1, 0]
    assert test_set.popularity.tolist() == [2, 1, 1, 0]
    # ann's rows: a, a, b → (2 + 2 + 1) / 3
    assert test_set.habit[:2].tolist() == [pytest.approx(5 / 3), 2.0]
    assert np.isnan(test_set.habit[2])


def test_list_properties_by_hand() -> None:
    test_set = _exam()
    lists = test_set.lists(
        pl.DataFrame(
            [("ann", "c", 1), ("ann", "new", 2), ("bob", "b", 5), ("bob", "c", 9)],
            schema=["user_id", "item_id", "rank"],
            orient="row",
        )
    )
    result = evaluate(test_set, {"m": lists}, Params(k=[2], bootstrap=100))
    assert result.value("m", "arp@2") == (1 + 0 + 1 + 1) / 4
    assert result.value("m", "novelty@2") == pytest.approx((3 * np.log2(3) + np.log2(6)) / 4)
    assert result.value("m", "pop_lift@2") == pytest.approx((0.5 / (5 / 3) + 1 / 2) / 2)
    assert result.value("m", "coverage@2") == 1.0
    assert result.value("m", "coverage_catalog@2") == 3 / 4
    # ann: c against an item without tags → 1; bob: b = (x, y)/√2 against c = y → 1 - 1/√2
    assert result.value("m", "ild@2") == pytest.approx((1 + (1 - 1 / np.sqrt(2))) / 2)
    assert result.value("m", "recall@2") == 1.0
    assert result.value("m", "recall@2", "all") == pytest.approx((1 + 1 + 0) / 3)
    assert result.value("m", "recall@2", "new_items") == 1.0


def test_calibration_compares_the_categories_of_list_and_history() -> None:
    history = _pairs(*(("ann", item) for item in ("a", "b", "c", "d", "untold")), ("bob", "a"), ("cem", "untold"))
    items = pl.DataFrame({"item_id": list("abcdpqr"), "category": ["x", "x", "x", "y", "x", "y", None]})
    later = _pairs(*((user, item) for user in ("ann", "bob", "cem") for item in "pqr"))
    test_set = make_test_set(history, later, items)
    lists = np.stack([test_set.codes(["p", "q"]), test_set.codes(["q", "r"]), test_set.codes(["p", "q"])])
    values = list_values(test_set, lists, 2)["miscalibration@2"]
    # ann: x, x, x, y of what has a category against a list of x, y; a hundredth of the history is mixed in
    mixed = [0.99 * 0.5 + 0.01 * 0.75, 0.99 * 0.5 + 0.01 * 0.25]
    assert values[0] == pytest.approx(0.75 * np.log(0.75 / mixed[0]) + 0.25 * np.log(0.25 / mixed[1]))
    assert values[1] == pytest.approx(np.log(100))  # nothing of bob's x is shown
    assert np.isnan(values[2])  # cem's history has no category


def test_serendipity_counts_targets_that_popular_would_not_have_shown() -> None:
    usual = np.array([[1, 2, 3], [1, 2, -1]])
    lists = np.array([[1, 3, 5, 6], [7, -1, -1, -1]])
    hits = np.array([[True, True, True, True], [True, False, False, False]])
    # of the first two places 1 is expected, 3 is not (popular shows it third)
    assert serendipity(lists, usual, hits, 2).tolist() == [1 / 2, 1 / 2]
    assert serendipity(lists, usual, hits, 3).tolist() == [1 / 3, 1 / 3]


def test_slices_hold_whom_they_say() -> None:
    history = _pairs(
        *((user, f"i{item}") for user, n in {"few": 2, "some": 9, "many": 60}.items() for item in range(n))
    )
    later = _pairs(*((user, item) for user in ("none", "few", "some", "many") for item in ("i70", "i59")))
    lists = np.zeros((4, 1), dtype=np.int64)
    result = evaluate(make_test_set(history, later), {"m": lists}, Params(bootstrap=100))
    users = {name: sorted(result.per_query.filter(slice=name).get_column("query_id").to_list()) for name in SLICES}
    assert users["new_users"] == ["few", "none"]
    assert users["light_users"] == ["some"]
    assert users["heavy_users"] == ["many"]
    assert users["cold_users"] == ["none"]
    # i59 is in the history of `many` alone: no target of theirs, and the least popular item for the others
    assert users["warm"] == users["tail_items"] == ["few", "some"]
    assert users["new_items"] == ["few", "many", "some"]


def test_equal_models_have_no_difference_and_intervals_hold_the_mean() -> None:
    rng = np.random.default_rng(1)
    later = _pairs(*((f"u{user}", f"i{item}") for user in range(80) for item in rng.choice(40, 5, replace=False)))
    history = _pairs(*((f"u{user}", "seen") for user in range(80)), *(("other", f"i{item}") for item in range(40)))
    test_set = make_test_set(history, later)
    lists = np.stack([rng.permutation(40)[:20] for _ in range(80)])
    result = evaluate(
        test_set, {"one": lists, "two": lists.copy(), "bad": np.full((80, 20), -1)}, Params(bootstrap=200)
    )
    rows = result.differences.filter(model="two", slice="warm")
    assert rows.select(pl.col("difference", "low", "high", "relative").abs().max()).row(0) == (0, 0, 0, 0)
    assert result.differences.filter(model="bad", slice="warm", metric="ndcg@10").row(0, named=True)["low"] > 0
    assert result.differences.filter(model="bad", metric="ndcg@10").get_column("relative").is_infinite().all()
    accuracies = result.summary.filter((pl.col("model") == "one") & pl.col("metric").is_in(metric_names([10, 20])))
    assert accuracies.filter((pl.col("low") > pl.col("value")) | (pl.col("high") < pl.col("value"))).is_empty()


def test_an_item_twice_in_one_list_is_an_error_that_says_so() -> None:
    twice = pl.DataFrame({"user_id": ["ann", "ann"], "item_id": ["c", "c"], "rank": [1, 2]})
    with pytest.raises(ContractError, match="twice"):
        _exam().lists(twice)


def test_an_item_that_the_exam_does_not_know_is_an_error_that_names_it() -> None:
    with pytest.raises(ContractError, match="'zzz'"):
        _exam().codes(["a", "zzz"])
