"""The stages from tables to logs: what they write, that they write the same again, and how they stop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from features.schema import CATALOGUE, INTERACTIONS, LOG, RAW_TABLES
from features.table import write_parquet

ROOT = Path(__file__).parents[2]
PARAMS = """
source:
  name: simulator
  input: data/initial/simulated.json
  reference: data/initial
  simulator: {n_users: 200, n_items: 100, days: 40, seed: 3}
validate: {}
split: {}
clean: {}
evaluate:
  targets: [view, finish, like]
"""


def stage(name: str, folder: Path, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Runs a stage as the DAG does: a process of its own in the project folder."""
    return subprocess.run(
        [sys.executable, "-m", f"flows.stages.{name}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def project(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    shutil.copytree(ROOT / "data" / "initial", folder / "data" / "initial")
    (folder / "params.yaml").write_text(PARAMS)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world through all four stages."""
    folder = project(tmp_path_factory.mktemp("data_stages") / "one")
    for name in ("ingest", "validate", "split", "clean"):
        run = stage(name, folder)
        assert run.returncode == 0, run.stderr
    return folder


def test_each_stage_leaves_its_files(done: Path) -> None:
    data = done / "data"
    for name, table in RAW_TABLES.items():
        table.read(data / "tables" / f"{name}.parquet")
    source = json.loads((data / "tables/source.json").read_text())
    assert (source["source"], source["artificial_time"]) == ("simulator", False)
    parts = [INTERACTIONS.read(data / f"split/{part}.parquet") for part in ("train", "valid", "test")]
    assert sum(part.height for part in parts) == source["n_rows"]
    split = json.loads((data / "split/split.json").read_text())
    assert (split["scheme"], split["leaky"]) == ("global_time", False)
    train, full = LOG.read(data / "log/train.parquet"), LOG.read(data / "log/full.parquet")
    assert train.height <= parts[0].height
    assert full["timestamp"].is_sorted()
    assert train["trust"].min() == 0.0  # the simulated crawlers
    trust = pl.read_parquet(data / "log/trust.parquet")
    assert set(trust["part"]) == {"train", "full"}
    catalogue = CATALOGUE.read(data / "catalogue/catalogue.parquet")
    assert catalogue["item_id"].is_sorted()
    assert catalogue["text"].null_count() == 0
    validation = json.loads((data / "reports/validation.json").read_text())
    assert validation["accepted"] is True
    assert validation["profile"] == json.loads((data / "profile.json").read_text())
    assert json.loads((data / "validated.json").read_text())["accepted"] is True
    assert (data / "reports/docs/index.html").is_file()
    assert json.loads((data / "reports/cleaning.json").read_text())["full"]["n_bots"] >= 1


def test_a_log_holds_only_what_was_known_at_its_cut(done: Path) -> None:
    split = json.loads((done / "data/split/split.json").read_text())
    for part, cut in (("train", split["valid_cut"]), ("full", split["test_cut"])):
        log = LOG.read(done / f"data/log/{part}.parquet")
        latest = pl.lit(cut).str.to_datetime(time_unit="us", time_zone="UTC")
        assert log.filter((pl.col("known_at") > latest) | (pl.col("timestamp") > latest)).is_empty()


def test_another_folder_and_another_hash_seed_give_the_same_bytes(done: Path, tmp_path: Path) -> None:
    folder = project(tmp_path / "a" / "much" / "longer" / "path")
    for name in ("ingest", "validate", "split", "clean"):
        assert stage(name, folder, hash_seed="17").returncode == 0
    assert contents(folder / "data") == contents(done / "data")


def test_a_failed_expectation_stops_with_rule_count_and_examples(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(done, folder)
    (folder / "data/validated.json").unlink()
    (folder / "data/profile.json").unlink()
    path = folder / "data/tables/interactions.parquet"
    rows = pl.read_parquet(path).with_row_index("row")
    early = pl.when(pl.col("row") < 17).then(pl.col("timestamp") - timedelta(days=2)).otherwise(pl.col("known_at"))
    write_parquet(rows.with_columns(known_at=early).drop("row"), path)
    run = stage("validate", folder)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "interactions.known_after_it_happened: 17 of " in run.stderr
    assert run.stderr.count("known_at 2025-01-0") == 3
    assert "data/reports/docs/index.html" in run.stderr
    report = json.loads((folder / "data/reports/validation.json").read_text())
    assert report["accepted"] is False
    assert report["rules"]["interactions.known_after_it_happened"]["n_broken"] == 17
    assert "not accepted" in (folder / "data/reports/docs/index.html").read_text()
    assert not (folder / "data/validated.json").exists()
    assert not (folder / "data/profile.json").exists()


def test_missing_and_broken_files_are_the_callers_mistake(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(done, folder)
    (folder / "params.yaml").write_text(PARAMS.replace("name: simulator", "name: movielens"))
    (folder / "data/split/train.parquet").unlink()
    (folder / "data/tables/interactions.parquet").write_bytes(b"no parquet")
    for name, said in (
        ("ingest", "run `recops data import movielens`"),
        ("validate", "interactions.parquet is no readable parquet file"),
        ("clean", "train.parquet; run the stage that writes it"),
    ):
        run = stage(name, folder)
        assert run.returncode == 2, run.stderr
        assert said in run.stderr
        assert "Traceback" not in run.stderr


def test_data_too_small_to_split_is_told(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(done, folder)
    path = folder / "data/tables/interactions.parquet"
    write_parquet(pl.read_parquet(path).head(1), path)
    run = stage("split", folder)
    assert run.returncode == 2
    assert "too few to split by time" in run.stderr
