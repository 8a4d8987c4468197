"""Cold start against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.errors import ContractError
from features.offline.feature_tables import build_tables
from features.positives import DEFAULT_POSITIVES
from features.schema import INTERACTIONS
from features.states.aggregates import ITEM_STATS, USER_CATEGORY_STATS, USER_STATS, arrivals
from flows.judging.truncated_features import write_features
from flows.stages.decide import check_slices
from models.data.truncation import newest
from models.data.vocabulary import Vocabulary
from models.evaluation.cold_start import users_with_long_histories, with_cold_start
from models.evaluation.evaluate import Params, evaluate
from models.evaluation.test_set import TestSet, make_test_set
from models.gate.checks import Check
from models.gate.decision import Params as GateParams
from tests.support.part_inputs import make_catalogue

START = datetime(2026, 1, 1, tzinfo=UTC)
CUT = int((START + timedelta(minutes=100)).timestamp() * 1e6)
ITEMS = [f"i{place:02}" for place in range(14)]
VOCABULARY = Vocabulary(ITEMS)


def rows(*acts: tuple) -> pl.DataFrame:
    """From (user, item, minute[, event[, minute at which it was known]])."""
    full = [(*act, "buy")[:4] + ((act[4],) if len(act) > 4 else (act[2],)) for act in acts]
    table = [
        (user, ITEMS[item], START + timedelta(minutes=minute), event, None, START + timedelta(minutes=known))
        for user, item, minute, event, known in full
    ]
    return INTERACTIONS.check(pl.DataFrame(table, schema=dict(INTERACTIONS.columns), orient="row"), source="test")


# ann chose 0 to 10, then took 11 back; bob chose two items; cid chose 0 to 9, the last one known only after the cut
HISTORY = rows(
    *(("ann", item, item) for item in range(11)),
    ("ann", 11, 12, "cancel"),
    ("bob", 0, 20),
    ("bob", 1, 20),
    *(("cid", item, 30 + item) for item in range(9)),
    ("cid", 9, 39, "buy", 200),
)
PART = rows(("ann", 12, 110), ("ann", 13, 111), ("bob", 5, 112), ("cid", 1, 113), ("cid", 11, 114))


def exam_of(part: pl.DataFrame = PART) -> TestSet:
    known = rows(("dan", 12, 1), ("dan", 13, 2))  # so that the targets are warm
    return make_test_set(pl.concat([HISTORY, known]), part, asked=["ann", "bob", "cid"])


def of(user: str, frame: pl.DataFrame) -> list[str]:
    return frame.filter(user_id=user).get_column("item_id").to_list()


def test_the_newest_acts_are_positive_and_known_by_the_cut():
    assert of("ann", newest(HISTORY, 3, DEFAULT_POSITIVES, CUT)) == ["i08", "i09", "i10"]
    assert of("bob", newest(HISTORY, 1, DEFAULT_POSITIVES, CUT)) == ["i01"]
    assert of("cid", newest(HISTORY, 2, DEFAULT_POSITIVES, CUT)) == ["i07", "i08"]
    assert of("cid", newest(HISTORY, 2, DEFAULT_POSITIVES, None)) == ["i08", "i09"]
    assert newest(HISTORY, 0, DEFAULT_POSITIVES, CUT).is_empty()


def test_features_of_users_are_those_that_the_shortened_history_leaves(tmp_path):
    catalogue = make_catalogue(14)
    facts = pl.DataFrame({"item_id": ITEMS, "category": ["tea"] * 14, "price": [1.0] * 14})
    build_tables(arrivals(HISTORY.lazy(), facts.lazy(), DEFAULT_POSITIVES), tmp_path / "full", DEFAULT_POSITIVES)
    catalogue = replace(
        catalogue, vocabulary=VOCABULARY, category_names=["tea"], categories=np.zeros(14, dtype=np.int32)
    )
    for n in (0, 3):
        write_features(tmp_path / "full", tmp_path, newest(HISTORY, n, DEFAULT_POSITIVES, CUT), catalogue)
        for table in (USER_STATS, USER_CATEGORY_STATS):
            ann = table.read(tmp_path / f"{table.name}.parquet").filter(user_id="ann")
            assert ann.get_column("n_positive").to_list() == list(range(1, n + 1))
        assert ITEM_STATS.read(tmp_path / "item_stats.parquet").equals(
            ITEM_STATS.read(tmp_path / "full" / "item_stats.parquet")
        )
        (tmp_path / "item_stats.parquet").unlink()


def test_climbers_have_a_warm_target_and_enough_acts():
    chosen = users_with_long_histories(exam_of(), newest(HISTORY, 10, DEFAULT_POSITIVES, CUT), Params())
    assert exam_of().user_ids[chosen].tolist() == ["ann"]
    assert not users_with_long_histories(
        exam_of(), newest(HISTORY, 10, DEFAULT_POSITIVES, CUT), Params(cold_start_users=0)
    ).any()


def test_each_rung_is_a_slice_with_figures_and_paired_differences():
    test_set, params = exam_of(), Params(k=[2], bootstrap=100)
    everyone = {model: np.full((3, 2), -1) for model in ("challenger", "champion", "popular")}
    codes = test_set.codes(["i05", "i12", "i13"])
    # of ann's two targets the challenger finds one, at rank 2, without history, and both with one act
    rungs = {
        0: {"challenger": codes[[[0, 1]]], "champion": codes[[[1, 0]]], "popular": codes[[[0, 0]]]},
        1: {"challenger": codes[[[1, 2]]], "champion": codes[[[1, 0]]], "popular": codes[[[0, 0]]]},
    }
    chosen = np.array([True, False, False])
    found = with_cold_start(evaluate(test_set, everyone, params), test_set, chosen, rungs, params)
    ideal = 1 + 1 / np.log2(3)
    assert found.value("challenger", "ndcg@2", "history_0") == pytest.approx(1 / np.log2(3) / ideal)
    assert found.value("challenger", "ndcg@2", "history_1") == 1.0
    assert found.value("champion", "hr@2", "history_1") == 1.0
    assert found.value("popular", "hr@2", "history_0") == 0.0
    row = found.differences.filter(model="champion", metric="ndcg@2", slice="history_1").row(0, named=True)
    assert row["difference"] == pytest.approx(1 - 1 / ideal)
    asked = found.per_query.filter(slice="history_1").select("query_id", "model", "n_history", "n_targets").rows()
    assert asked == [("ann", model, 1, 2) for model in ("challenger", "champion", "popular")]
    assert found.per_query.filter(slice="warm").equals(
        evaluate(test_set, everyone, params).per_query.filter(slice="warm")
    )


def test_a_guard_names_a_rung_that_there_is_and_a_metric_that_it_has():
    check_slices(GateParams(guards=[Check(metric="hr@10", segment="history_0")]))
    with pytest.raises(ContractError, match="'history_2'"):
        check_slices(GateParams(guards=[Check(metric="ndcg@10", segment="history_2")]))
    with pytest.raises(ContractError, match="accuracy only"):
        check_slices(GateParams(guards=[Check(metric="coverage@10", segment="history_1")]))
