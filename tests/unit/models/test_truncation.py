"""Short histories: who is asked again, what is left of their acts, and under which name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.offline.feature_tables import build_tables
from features.positives import DEFAULT_POSITIVES
from features.states.aggregates import ITEM_STATS, USER_CATEGORY_STATS, USER_STATS, arrivals
from flows.judging.truncated_features import lookup_with_truncated, write_features
from flows.project.dataset import Project
from models.data.queries import part_queries
from models.data.ragged import Ragged
from models.data.truncation import LONGEST, aliases, rows_of, sample_queries, targets_of, truncate
from tests.support.part_inputs import make_catalogue
from tests.unit.models.test_cold_start import CUT, HISTORY, ITEMS, PART, VOCABULARY


@pytest.fixture(scope="module")
def asked():
    """ann, bob and cid with 11, 2 and 8 acts; ann wants 12 and 13, bob 5, cid 11."""
    return part_queries(HISTORY, PART, VOCABULARY, CUT)


def test_a_shortened_query_forgets_the_past_and_keeps_the_exclusions(asked):
    short = truncate(asked[0], np.array([0, 2]), np.array([3, 1]))
    assert short.user_ids.tolist() == ["ann", "cid"]
    assert short.at.tolist() == [CUT, CUT]
    assert [short.history.items[query].tolist() for query in range(2)] == [[8, 9, 10], [8]]
    assert short.excluded[0].tolist() == list(range(12))  # what was cancelled too
    assert short.excluded[1].tolist() == list(range(9))
    assert truncate(asked[0], np.array([0, 2]), np.array([0, 0])).history.n_events == 0


def test_who_has_fewer_acts_keeps_them_all(asked):
    assert truncate(asked[0], np.array([1]), np.array([5])).history.items[0].tolist() == [0, 1]


def test_the_targets_go_with_their_queries(asked):
    targets = targets_of(asked[1], np.array([0, 2]))
    assert targets.items.offsets.tolist() == [0, 2, 3]
    assert targets.items.values.tolist() == [12, 13, 11]
    assert targets.counts.tolist() == [2, 1]


def test_only_long_histories_are_shortened_to_one_to_ten_acts(asked):
    places, n_acts = sample_queries(asked[0], 5, seed=1)
    assert places.tolist() == [0]  # ann alone has more than ten
    assert 1 <= n_acts[0] <= LONGEST
    assert len(sample_queries(asked[0], 0, seed=1)[0]) == 0


def test_one_act_is_as_frequent_as_the_step_from_five_to_ten():
    """Of the draws 1 has log 2 / log 11 = 0.289, and 5 to 10 have log(11 / 5) / log 11 = 0.329."""
    many = np.zeros(20_000, dtype=np.int64)
    queries = part_queries(HISTORY, PART, VOCABULARY, CUT)[0]
    eleven_acts = Ragged(np.arange(len(many) + 1, dtype=np.int64) * 11, queries.history.items.values)
    queries = replace(
        queries,
        user_ids=np.array([f"u{place}" for place in range(len(many))]),
        history=replace(queries.history, items=eleven_acts),
    )
    n_acts = sample_queries(queries, len(many), seed=3)[1]
    assert (n_acts == 1).mean() == pytest.approx(0.289, abs=0.01)
    assert (n_acts >= 5).mean() == pytest.approx(0.329, abs=0.01)


def test_features_know_the_short_history_under_its_own_name_and_the_whole_one_under_the_users(asked, tmp_path):
    catalogue = make_catalogue(14)
    catalogue = replace(
        catalogue, vocabulary=VOCABULARY, category_names=["tea"], categories=np.zeros(14, dtype=np.int32)
    )
    facts = pl.DataFrame({"item_id": ITEMS, "category": ["tea"] * 14, "price": [1.0] * 14})
    build_tables(
        arrivals(HISTORY.lazy(), facts.lazy(), DEFAULT_POSITIVES), tmp_path / "data" / "features", DEFAULT_POSITIVES
    )
    few = truncate(asked[0], np.array([0]), np.array([3]))
    (name,) = names = aliases(few, np.array([3]))
    rows = rows_of(HISTORY, few, names, np.array([3]), DEFAULT_POSITIVES)
    assert rows.get_column("item_id").to_list() == ["i08", "i09", "i10"]
    assert rows.get_column("user_id").unique().to_list() == [name]
    write_features(tmp_path / "data" / "features", tmp_path, rows, catalogue, pl.Series(["ann", "bob"]))
    for table in (USER_STATS, USER_CATEGORY_STATS):
        found = table.read(tmp_path / f"{table.name}.parquet")
        newest = found.group_by("user_id").agg(pl.col("n_positive").max())
        assert dict(newest.iter_rows()) == {"ann": 11, "bob": 2, name: 3}
    whole = ITEM_STATS.read(tmp_path / "data" / "features" / "item_stats.parquet")
    assert ITEM_STATS.read(tmp_path / "item_stats.parquet").equals(whole)
    names, at = np.array(["ann", name]), np.array([CUT, CUT])
    with lookup_with_truncated(Project(tmp_path), catalogue, rows, pl.Series(["ann", "bob"])) as lookup:
        found = lookup.features(names, at, np.array([0, 1], dtype=np.int32), np.array([12, 12], dtype=np.int32))
    column = lookup.names.index("user_n_positive")
    assert found[:, column] == pytest.approx(np.log1p([11, 3]))
    column = lookup.names.index("item_n_positive")
    assert found[0, column] == found[1, column]
