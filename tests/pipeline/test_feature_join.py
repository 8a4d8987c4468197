"""Feast's historical join on our store, against joins that were written independently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.offline.offline_lookup import OfflineLookup, join
from features.states.aggregates import STATS, arrivals, state_columns, state_matrix, state_rows
from features.states.candidate_features import NAMES, candidate_features
from features.states.item_states import ItemInfo
from features.table import type_of_time

T0 = datetime(2024, 1, 1, tzinfo=UTC)


def world(n_rows: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """INTERACTIONS, a fifth of them known late, many at the same second; and items (one in seven of no category)."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(1_600_000_000, 1_601_000_000, n_rows)) * 1_000_000
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(0, 300, n_rows).astype(str),
            "item_id": (rng.zipf(1.4, n_rows) % 150).astype(str),
            "timestamp": at,
            "event": rng.choice(["view", "buy", "impression", "cancel"], n_rows),
            "value": rng.integers(1, 6, n_rows).astype(float),
            "known_at": at + rng.choice([0, 0, 0, 0, 86_400_000_000], n_rows),
        }
    ).with_columns(pl.col("timestamp", "known_at").cast(type_of_time))
    items = pl.DataFrame(
        {
            "item_id": [str(i) for i in range(140)],
            "category": [None if i % 7 == 6 else f"c{i % 12}" for i in range(140)],
            "price": [None if i % 5 == 0 else float(i) for i in range(140)],
            "created_at": [None if i % 2 else 1_590_000_000_000_000 + i for i in range(140)],
        }
    )
    return rows, items


def write_tables(folder: Path, rows: pl.DataFrame, items: pl.DataFrame) -> dict[str, pl.DataFrame]:
    known = arrivals(rows.lazy(), items.lazy()).collect()
    tables = {name: state_rows(known, table) for name, table in STATS.items()}
    for name, frame in tables.items():
        STATS[name].write(frame, folder / f"{name}.parquet")
    return tables


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    rows, items = world(20_000)
    return folder, rows, items, write_tables(folder, rows, items)


def entities(rows: pl.DataFrame, items: pl.DataFrame, n_rows: int, seed: int = 5) -> pl.DataFrame:
    """Entity rows in no order, each fourth repeated, with users and items that are in no table."""
    rng = np.random.default_rng(seed)
    drawn = rows[rng.integers(0, rows.height, n_rows)].join(
        items.select("item_id", "category"), on="item_id", how="left", maintain_order="left"
    )
    shift = pl.Series(rng.choice([-1, 0, 1, 3_600_000_000, 10**13], n_rows))
    drawn = drawn.select(
        pl.when(pl.Series(rng.random(n_rows) < 0.05)).then(pl.lit("nobody")).otherwise("user_id").alias("user_id"),
        "item_id",
        "category",
        event_timestamp=(pl.col("timestamp").dt.epoch("us") + shift).cast(type_of_time),
    )
    return drawn[np.where(np.arange(n_rows) % 4 == 0, 0, np.arange(n_rows))]


def joined_by_polars(tables: dict[str, pl.DataFrame], asked: pl.DataFrame) -> pl.DataFrame:
    """The independent join: polars, view by view."""
    rows = asked.with_row_index("row").sort("event_timestamp")
    for name, table in STATS.items():
        key = list(table.key[:-1])
        theirs = tables[name].select(*key, "event_timestamp", *state_columns(table)).sort("event_timestamp")
        theirs = theirs.rename({column: f"{name}__{column}" for column in state_columns(table)})
        rows = rows.join_asof(theirs, on="event_timestamp", by=key, check_sortedness=False)
    return rows.sort("row").drop("row")


def test_feast_agrees_row_for_row_with_an_independent_join_on_50k_rows(tables, tmp_path):
    folder, rows, items, frames = tables
    asked = entities(rows, items, 50_000)
    assert asked.is_duplicated().sum() > 10_000
    assert (asked["user_id"] == "nobody").sum() > 1_000
    assert asked["category"].null_count() > 1_000
    lookup = OfflineLookup(folder, items["item_id"].to_list(), items["category"].to_list())
    found = join(lookup._open(tmp_path), asked)
    expected = joined_by_polars(frames, asked)
    assert found.height == 50_000
    assert found.select(expected.columns).equals(expected)


def test_the_feature_service_is_the_states_of_all_three_tables(tables, tmp_path):
    folder, _, items, _ = tables
    store = OfflineLookup(folder, items["item_id"].to_list(), items["category"].to_list())._open(tmp_path)
    service = store.get_feature_service("ranking_v1")
    projected = {view.name: [f.name for f in view.features] for view in service.feature_view_projections}
    assert projected == {name: list(state_columns(table)) for name, table in STATS.items()}
    assert {view.name for view in store.list_feature_views()} == {*STATS, "user_history", "item_stats_online"}


def test_offline_features_are_those_of_a_log_cut_at_each_instant(tables):
    """Nothing of Feast, of the tables or of the join: the log itself is cut and gone through for each query."""
    folder, rows, items, _ = tables
    info = ItemInfo(*(items[name].to_list() for name in ("item_id", "category", "price", "created_at")))
    lookup = OfflineLookup(folder, *(items[name].to_list() for name in ("item_id", "category", "price", "created_at")))
    rng = np.random.default_rng(2)
    user_ids = np.array(["nobody", *rng.choice(rows["user_id"].unique().sort().to_numpy(), 25)], dtype=np.str_)
    at = rng.choice(rows["timestamp"].dt.epoch("us").to_numpy(), len(user_ids))
    query = np.repeat(np.arange(len(user_ids)), 4).astype(np.int32)
    item = rng.integers(0, len(items), len(query)).astype(np.int32)
    found = lookup.features(user_ids, at, query, item)
    assert found.shape == (len(query), len(NAMES))
    arrived = arrivals(rows.lazy(), items.lazy()).collect()
    for row in range(len(query)):
        now = int(at[query[row]])
        cut = arrived.filter((pl.col("timestamp") <= now) & (pl.col("known_at") <= now))
        keys = {"user_id": str(user_ids[query[row]]), "item_id": info.item_ids[item[row]]}
        keys["category"] = info.category(keys["item_id"])
        states = []
        for table in STATS.values():
            key = table.key[:-1]
            mine = state_rows(cut.filter(*(pl.col(name).eq(keys[name]) for name in key)), table)
            states.append(state_matrix(mine.tail(1)) if mine.height else np.full((1, 12), np.nan))
        price, born = info.prices[item[row]], info.created_at[item[row]]
        expected = candidate_features(*states, np.array([now]), np.array([price]), np.array([born]))
        assert np.array_equal(found[row], expected[0], equal_nan=True), row


def test_no_rows_give_no_features(tables):
    folder, _, items, _ = tables
    lookup = OfflineLookup(folder, items["item_id"].to_list(), items["category"].to_list())
    nothing = np.zeros(0, dtype=np.int32)
    assert lookup.features(np.array(["u"]), np.array([0]), nothing, nothing).shape == (0, len(NAMES))


def feast_store(tmp_path, rows: list[tuple[int, int, float]], ttl: timedelta | None = None):
    """A store with one view `v` of user u: rows of (day of the event, day created, value)."""
    from features.repo.store import feast, open_store, quiet

    feast()
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, String

    stamps = ["event_timestamp", "created_timestamp"]
    frame = pl.DataFrame(
        {"user_id": ["u"] * len(rows), "value": [row[2] for row in rows]}
        | {name: [T0 + timedelta(days=row[i]) for row in rows] for i, name in enumerate(stamps)},
        schema_overrides=dict.fromkeys(stamps, type_of_time),
    )
    frame.write_parquet(tmp_path / "v.parquet")
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="v",
        entities=[user],
        ttl=ttl,
        schema=[Field(name="user_id", dtype=String), Field(name="value", dtype=Float64)],
        source=FileSource(
            path=str(tmp_path / "v.parquet"), timestamp_field=stamps[0], created_timestamp_column=stamps[1]
        ),
    )
    store = open_store("t", tmp_path / "registry", {"type": "sqlite", "path": str(tmp_path / "online.db")})
    with quiet():
        store.apply([user, view])
    return store


def values_at(store, days: list[float], *, known: bool) -> list[float | None]:
    import pandas as pd

    asked = pd.DataFrame({"user_id": "u", "event_timestamp": [T0 + timedelta(days=day) for day in days]})
    job = store.get_historical_features(entity_df=asked, features=["v:value"], filter_by_created_timestamp=known)
    return job.to_arrow().column("value").to_pylist()


def test_a_correction_is_not_known_before_it_was_created(tmp_path):
    # day 1's value is corrected on day 5; day 3's value comes on time; day 2's comes on day 9, too late to matter
    store = feast_store(tmp_path, [(1, 1, 10.0), (1, 5, 11.0), (3, 3, 30.0), (2, 9, 20.0)])
    days = [0.5, 1, 2, 2.5, 3, 6, 10]
    assert values_at(store, days, known=True) == [None, 10.0, 10.0, 10.0, 30.0, 30.0, 30.0]
    assert values_at(store, days, known=False) == [None, 11.0, 20.0, 20.0, 30.0, 30.0, 30.0]


def test_a_correction_counts_once_it_is_known(tmp_path):
    store = feast_store(tmp_path, [(1, 1, 10.0), (1, 5, 11.0)])
    assert values_at(store, [4, 5, 6], known=True) == [10.0, 11.0, 11.0]


def test_values_expire_after_their_time_to_live(tmp_path):
    store = feast_store(tmp_path, [(1, 1, 10.0), (5, 5, 50.0)], ttl=timedelta(days=2))
    assert values_at(store, [1, 3, 4, 5, 8], known=True) == [10.0, 10.0, None, 50.0, None]


def test_a_joined_job_is_a_whole_feast_job(tmp_path):
    import pandas as pd
    from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

    store = feast_store(tmp_path, [(1, 1, 10.0)])
    asked = pd.DataFrame({"user_id": ["u", "w"], "event_timestamp": [T0 + timedelta(days=2)] * 2})
    job = store.get_historical_features(entity_df=asked, features=["v:value"])
    assert job.to_df()["value"].fillna(-1).tolist() == [10.0, -1.0]
    assert job.metadata.keys == ["user_id"]
    job.persist(SavedDatasetFileStorage(path=str(tmp_path / "kept.parquet")))
    assert pl.read_parquet(tmp_path / "kept.parquet")["value"].to_list() == [10.0, None]
