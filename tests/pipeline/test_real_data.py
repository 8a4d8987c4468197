"""Real data from import to a live release: the recommender above each of its retrievers, within time and memory."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path

import polars as pl
import pytest

from tests.support.workspace import edit_params, make_workspace, recops

pytestmark = pytest.mark.soak


def real(name: str) -> Path:
    cache = os.environ.get("RECOPS_DATA_CACHE")
    if not cache or not (Path(cache) / name).exists():
        pytest.skip(f"RECOPS_DATA_CACHE names no folder with {name}")
    return Path(cache) / name


def differences(folder: Path) -> pl.DataFrame:
    """The challenger against each retriever, on the headline slice."""
    found = pl.read_parquet(folder / "data" / "evaluation" / "differences.parquet")
    return found.filter(pl.col("model").str.starts_with("retriever:"), slice="warm")


def metrics(folder: Path) -> dict:
    return json.loads((folder / "data" / "reports" / "metrics.json").read_text())


def test_movielens_1m_from_the_zip_to_a_release(tmp_path):
    folder = make_workspace(tmp_path / "project", every_retriever=True)
    started = time.monotonic()
    recops(folder, "data", "import", "movielens", "--path", str(real("ml-1m.zip")))
    recops(folder, "run")
    recops(folder, "release")
    print(f"\nml-1m: import, run and release in {time.monotonic() - started:.0f} s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"ml-1m: peak memory of one process {peak:.2f} GiB")
    assert peak < 6
    print(recops(folder, "evaluate").stdout)
    found = differences(folder)
    recall = found.filter(metric="recall@10")
    assert (recall["difference"] > 0).all(), recall
    assert (found.filter(metric="ndcg@10")["high"] >= 0).all(), found.filter(metric="ndcg@10")


def test_online_retail_by_parquet_to_a_release(tmp_path):
    folder = make_workspace(tmp_path / "project", every_retriever=True)
    recops(folder, "data", "import", "parquet", "--path", str(real("online-retail")))
    recops(folder, "run")
    recops(folder, "release")
    print(recops(folder, "evaluate").stdout)
    found = differences(folder)
    assert (found.filter(metric="recall@10")["difference"] > 0).all(), found
    assert (found.filter(metric="ndcg@10")["high"] >= 0).all(), found


def test_movielens_1m_leave_last_out_leads_each_retriever(tmp_path):
    folder = make_workspace(tmp_path / "project", every_retriever=True)
    recops(folder, "data", "import", "movielens", "--path", str(real("ml-1m.zip")))
    edit_params(folder, {"split.scheme": "leave_last_out"})
    recops(folder, "run")
    print(recops(folder, "evaluate").stdout)
    found = differences(folder).filter(metric="ndcg@10")
    assert (found["low"] > 0).all(), found
