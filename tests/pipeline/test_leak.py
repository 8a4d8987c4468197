"""What build_features writes stands up to a log cut at each query's instant; a feature that knows more does not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import features.offline.leakage as leak
from features.errors import RefusedError
from features.offline.feature_tables import build_tables, scan
from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE, INTERACTIONS
from features.states.aggregates import STATS, state_rows
from features.table import type_of_time

DAY = 86_400_000_000


def write_world(folder: Path, n_rows: int = 4000, seed: int = 0) -> tuple[list[Path], Path]:
    """Three files of interactions, some rows known late, and a catalogue."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(1_600_000_000, 1_640_000_000, n_rows)) * 1_000_000
    late = rng.choice([0, 0, 0, 3_600_000_000, 20 * DAY], n_rows)
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(0, 60, n_rows).astype(str),
            "item_id": (rng.zipf(1.5, n_rows) % 40).astype(str),
            "timestamp": at,
            "event": rng.choice(["view", "buy", "impression", "cancel"], n_rows),
            "value": np.where(rng.random(n_rows) < 0.5, rng.integers(1, 6, n_rows), np.nan),
            "known_at": at + late,
        }
    ).with_columns(pl.col("timestamp", "known_at").cast(type_of_time), pl.col("value").fill_nan(None))
    parts = [folder / f"{name}.parquet" for name in ("train", "valid", "test")]
    for path, first, last in zip(parts, (0, 0.8, 0.9), (0.8, 0.9, 1), strict=True):
        INTERACTIONS.write(rows[int(first * n_rows) : int(last * n_rows)], path)
    n_items = 38  # two items of the log are not in the catalogue
    catalogue = pl.DataFrame(
        {
            "item_id": [str(i) for i in range(n_items)],
            "category": [None if i % 7 == 6 else f"c{i % 5}" for i in range(n_items)],
            "price": [None if i % 3 == 0 else float(i) for i in range(n_items)],
            "created_at": [1_600_000_000_000_000 + i * DAY for i in range(n_items)],
        },
        schema_overrides={"price": pl.Float64, "category": pl.String},
    ).with_columns(pl.col("created_at").cast(type_of_time))
    missing = {name: pl.lit(None).cast(kind).alias(name) for name, kind in CATALOGUE.columns.items()}
    extra = [column for name, column in missing.items() if name not in catalogue.columns]
    CATALOGUE.write(catalogue.with_columns(extra), folder / "catalogue.parquet")
    return parts, folder / "catalogue.parquet"


@pytest.fixture
def world(tmp_path):
    parts, catalogue = write_world(tmp_path)
    rows = scan(parts, catalogue, DEFAULT_POSITIVES)
    build_tables(rows, tmp_path / "features", DEFAULT_POSITIVES)
    return rows, tmp_path / "features"


def test_tables_without_knowledge_of_the_future_pass(world):
    rows, folder = world
    assert leak.check_no_leak(rows, folder, 1000, seed=1) > 20_000


@pytest.mark.parametrize("table", sorted(STATS))
def test_a_planted_future_feature_is_refused_by_name_and_query(world, table):
    rows, folder = world
    path = folder / f"{table}.parquet"
    key = list(STATS[table].key[:-1])
    of_all_time = pl.col("n_positive").last().over(key)
    pl.read_parquet(path).with_columns(n_positive=of_all_time).write_parquet(path)
    with pytest.raises(RefusedError) as refused:
        leak.check_no_leak(rows, folder, 1000, seed=1)
    said = str(refused.value)
    assert f"feature '{table}.n_positive'" in said
    assert re.search(r"user '\d+', item '\d+', at 20\d\d-", said)
    assert re.search(r"found \d+\.0, expected (\d+\.0|nan)", said)


def test_a_row_that_is_there_before_it_is_known_is_refused(world):
    rows, folder = world
    path = folder / "user_stats.parquet"
    early = pl.col("event_timestamp", "created_timestamp") - pl.duration(days=30)
    pl.read_parquet(path).with_columns(early).write_parquet(path)
    with pytest.raises(RefusedError, match="leaks the future"):
        leak.check_no_leak(rows, folder, 1000, seed=1)


def test_a_column_without_a_formula_is_guarded_too(world, monkeypatch):
    """The code itself is at fault: it counts a key's rows of all time, under a name that the check does not know."""
    rows, folder = world

    def with_plant(part, table):
        states = state_rows(part, table)
        return states.with_columns(popularity=pl.len().over(table.key[:-1]).cast(pl.Float64))

    for name, table in STATS.items():
        with_plant(rows.collect(), table).write_parquet(folder / f"{name}.parquet")
    monkeypatch.setattr(leak, "state_rows", with_plant)
    with pytest.raises(RefusedError, match=r"'user_stats.popularity'"):
        leak.check_no_leak(rows, folder, 1000, seed=1)


def test_tables_are_the_same_whatever_the_ranges_and_twice(world, tmp_path):
    rows, folder = world
    assert build_tables(rows, tmp_path / "again", DEFAULT_POSITIVES, rows_a_range=500) == build_tables(
        rows, tmp_path / "twice", DEFAULT_POSITIVES, rows_a_range=500
    )
    for name, table in STATS.items():
        one = table.read(folder / f"{name}.parquet")
        assert one.equals(table.read(tmp_path / "again" / f"{name}.parquet"))
        assert one.equals(one.sort(table.key))
        first, second = ((tmp_path / part / f"{name}.parquet").read_bytes() for part in ("again", "twice"))
        assert first == second


def test_the_stage_writes_tables_and_ends_with_1_on_a_plant(tmp_path, monkeypatch):
    import flows.stages.build_features as module

    (tmp_path / "data/split").mkdir(parents=True)
    write_world(tmp_path / "data/split")
    (tmp_path / "data/catalogue").mkdir()
    (tmp_path / "data/split/catalogue.parquet").rename(tmp_path / "data/catalogue/catalogue.parquet")
    (tmp_path / "params.yaml").write_text("build_features:\n  leak_samples: 300\nevaluate:\n  targets: [view, buy]\n")
    monkeypatch.chdir(tmp_path)
    module.main()
    for name, table in STATS.items():
        assert table.read(tmp_path / f"data/features/{name}.parquet").height
    built = module.build_tables

    def planted(rows, target, *rest):
        said = built(rows, target, *rest)
        path = target / "item_stats.parquet"
        pl.read_parquet(path).with_columns(pl.col("sum_7d").max().over("item_id")).write_parquet(path)
        return said

    monkeypatch.setattr(module, "build_tables", planted)
    with pytest.raises(RefusedError, match=r"item_stats.sum_7d"):
        module.main()
    assert not (tmp_path / "data/features").exists()
