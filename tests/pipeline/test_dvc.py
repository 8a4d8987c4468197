"""DVC end to end: a remote gives data and models back to a clone, experiments run, plots render."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.schema import CATALOGUE, LOG, RELATIONS
from models.data.storage import read_arrays, write_arrays
from tests.support.workspace import (
    ROOT,
    bundle_hash,
    copy_workspace,
    edit_params,
    environment,
    make_workspace,
    recops,
    run,
)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def repository(finished_project, tmp_path) -> Path:
    """The finished project as a git repository, committed."""
    folder = copy_workspace(finished_project, tmp_path / "project")
    shutil.copy(ROOT / ".gitignore", folder / ".gitignore")
    (folder / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    (folder / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it is")
    return folder


def test_a_clone_with_the_remote_gets_everything_back_and_reruns_nothing(repository, tmp_path):
    run("-m", "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"), cwd=repository)
    git(repository, "commit", "-qam", "a remote")
    run("-m", "dvc", "push", "-q", cwd=repository)
    git(tmp_path, "clone", "-q", str(repository), "clone")
    clone = tmp_path / "clone"
    assert not (clone / "data" / "bundle").exists()
    run("-m", "dvc", "pull", "-q", cwd=clone)
    assert bundle_hash(clone) == bundle_hash(repository)
    assert "Running stage" not in run("-m", "dvc", "repro", cwd=clone).stdout
    assert "nothing to do" in recops(clone, "run").stdout


def test_an_experiment_changes_a_knob_and_reports_its_metrics(repository):
    run("-m", "dvc", "exp", "run", "-q", "-n", "trial", "-S", "evaluate.bootstrap=300", cwd=repository)
    shown = run("-m", "dvc", "exp", "show", "--csv", cwd=repository).stdout
    assert "trial" in shown
    assert "evaluate.bootstrap" in shown


def test_plots_render_to_a_page(repository, tmp_path):
    run("-m", "dvc", "plots", "show", "-o", str(tmp_path / "plots"), cwd=repository)
    page = (tmp_path / "plots" / "index.html").read_text()
    assert "vega" in page.lower()


def test_what_dvc_keeps_is_not_in_git(repository):
    tracked = git(repository, "ls-files", "data").split()
    assert all(name.startswith("data/initial/") or name.endswith((".dvc", ".json", ".md")) for name in tracked), tracked


def test_another_number_of_components_is_another_model_back_and_forth(tmp_path):
    """Under its old name, `size`, DVC checked out the old model: its run cache does not see keys of that name."""
    folder = make_workspace(tmp_path / "project", {"retrievers.svd": {"n_components": 8}})
    small_inputs(folder)
    path = folder / "data" / "retrievers" / "train" / "svd"
    models = []
    for n_components in (8, 12, 8, 12):
        edit_params(folder, {"retrievers.svd.n_components": n_components})
        run("-m", "dvc", "repro", "-q", "--single-item", "train_retriever@svd", cwd=folder)
        vectors = read_arrays(path / "vectors.safetensors")["items"]
        assert json.loads((path / "params.json").read_text())["n_components"] == n_components == vectors.shape[1]
        models.append(vectors.tobytes())
    assert models[0] == models[2] != models[1] == models[3]


def small_inputs(folder: Path) -> None:
    """What train_retriever reads: 30 users' choices among 20 items without texts."""
    ids = [f"i{place:02}" for place in range(20)]
    empty = {name: kind for name, kind in CATALOGUE.columns.items() if name != "item_id"}
    catalogue = pl.DataFrame({"item_id": ids}).with_columns(pl.lit(None, kind).alias(n) for n, kind in empty.items())
    CATALOGUE.write(catalogue, folder / "data" / "catalogue" / "catalogue.parquet")
    write_arrays({"text": np.zeros((20, 0), np.float32)}, folder / "data" / "vectors" / "vectors.safetensors")
    rng = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"user_id": f"u{n % 30}", "item_id": ids[item], "timestamp": start + timedelta(hours=n), "event": "click"}
        for n, item in enumerate(rng.integers(0, 20, 300))
    ]
    log = pl.DataFrame(rows).with_columns(
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")), value=pl.lit(None, pl.Float64), trust=pl.lit(1.0)
    )
    log = log.with_columns(known_at="timestamp").select(list(LOG.columns))
    LOG.write(log, folder / "data" / "log" / "train.parquet")
    RELATIONS.write(RELATIONS.empty(), folder / "data" / "tables" / "relations.parquet")
