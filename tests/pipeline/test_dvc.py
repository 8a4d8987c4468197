"""DVC end to end: a remote gives data and models back to a clone, experiments, metrics, plots and artifacts."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from features.schema import CATALOGUE, LOG, RELATIONS
from flows.judging.plots_page import refresh_plots_page
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


def dvc(folder: Path, *arguments: str) -> str:
    return run("-m", "dvc", *arguments, cwd=folder).stdout


def as_repository(project: Path, folder: Path) -> Path:
    """A copy of a finished project as a git repository with the settings of ours, committed."""
    copy_workspace(project, folder)
    for name in (".gitignore", ".dvc/.gitignore", ".dvc/config"):
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it is")
    return folder


@pytest.fixture
def repository(finished_project, tmp_path) -> Path:
    return as_repository(finished_project, tmp_path / "project")


@pytest.fixture(scope="module")
def two_versions(finished_project, tmp_path_factory) -> Path:
    """The repository after `dvc exp run` of another value, committed: HEAD~1 is as the project was."""
    folder = as_repository(finished_project, tmp_path_factory.mktemp("two") / "project")
    dvc(folder, "exp", "run", "-q", "-n", "trial", "-S", "evaluate.bootstrap=300")
    git(folder, "commit", "-qam", "fewer resamples")
    return folder


@pytest.fixture
def fresh_clone(two_versions, tmp_path) -> Path:
    """A clone without DVC's cache and without a remote: it has what is in git."""
    git(tmp_path, "clone", "-q", str(two_versions), "clone")
    assert not (tmp_path / "clone" / "data" / "evaluation").exists()
    return tmp_path / "clone"


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


def test_the_metrics_are_a_dozen_numbers_that_people_compare(fresh_clone):
    ((path, figures),) = json.loads(dvc(fresh_clone, "metrics", "show", "--json"))[""]["data"].items()
    assert path == "data/reports/summary.json"
    assert {"promote", "ndcg@10", "lift", "coverage@10", "n_rows"} <= set(figures["data"]) and len(
        figures["data"]
    ) <= 14
    differences = dvc(fresh_clone, "metrics", "diff", "HEAD~1")
    changed = [line.split()[1] for line in differences.splitlines()[1:]]
    assert changed == ["ndcg@10_high", "ndcg@10_low"], differences  # other resamples: only the interval is another


def test_experiments_fit_on_a_screen_when_only_what_changed_is_shown(two_versions):
    words = ("exp", "show", "-n", "2", "--only-changed", "--drop", ".*/", "--csv")
    rows = list(csv.DictReader(io.StringIO(dvc(two_versions, *words))))
    assert {"Experiment", "ndcg@10_low", "evaluate.bootstrap"} <= set(rows[0]) and len(rows[0]) <= 12
    trial = next(row for row in rows if row["Experiment"] == "trial")
    before = [row for row in rows if row["typ"] == "baseline"][-1]
    assert (trial["evaluate.bootstrap"], before["evaluate.bootstrap"]) == ("300", "1000")


def test_a_fresh_clone_draws_the_plots_of_two_commits_without_a_network(fresh_clone, tmp_path):
    assert refresh_plots_page(fresh_clone)
    assert not refresh_plots_page(fresh_clone)  # it is there
    assert git(fresh_clone, "status", "--porcelain") == ""
    dvc(fresh_clone, "plots", "diff", "HEAD~1", "-o", str(tmp_path / "plots"))
    page = tmp_path / "plots" / "index.html"
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page.read_text(encoding="utf-8"))
    pictures = page.read_text(encoding="utf-8").count("vegaEmbed('#")
    assert pictures == len(YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["plots"])
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: what the page draws was not looked at")
    dom = subprocess.run(
        [
            *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert len(re.findall(r"<svg [^>]*class=\"marks\"", dom)) == pictures
    assert 'aria-roledescription="bar"' in dom and 'aria-roledescription="line mark"' in dom
    challenger = re.findall(r'aria-label="[^"]*series: challenger[^"]*"[^>]*stroke="#000000" stroke-width="4"', dom)
    assert len(challenger) == 2 * 2  # recall by length and cold start, of each commit
    assert {"HEAD~1", "workspace"} <= set(re.findall(r"rev: ([^;\"]*)", dom))


def test_a_page_that_somebody_chose_is_left_alone(tmp_path):
    dvc(tmp_path, "init", "-q", "--no-scm")
    dvc(tmp_path, "config", "plots.html_template", "mine.html")
    assert not refresh_plots_page(tmp_path)
    assert not (tmp_path / ".dvc" / "plots_page.html").exists()


def test_a_run_leaves_the_page_for_the_plots(finished_project):
    assert (finished_project / ".dvc" / "plots_page.html").is_file()
    assert dvc(finished_project, "config", "--local", "plots.html_template").strip() == "plots_page.html"


def test_the_collapsed_dag_shows_each_family_once(two_versions):
    whole, collapsed = (dvc(two_versions, "dag", "--mermaid", *more) for more in ((), ("--collapse-foreach-matrix",)))
    stages = set(YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"])
    assert set(re.findall(r'node\d+\["(\w[^"]*)"\]', collapsed)) == stages
    assert len(re.findall(r'\["train_retriever@', whole)) > 1


def test_the_bundle_of_a_tag_is_fetched_as_an_artifact(two_versions, tmp_path):
    git(two_versions, "tag", "-a", "bundle@v1.0.0", "-m", "the first one")
    dvc(tmp_path, "artifacts", "get", str(two_versions), "bundle", "-o", "fetched")
    manifest = json.loads((tmp_path / "fetched" / "manifest.json").read_text())
    assert manifest["hash"] == bundle_hash(two_versions)


def test_what_dvc_keeps_is_not_in_git(repository):
    tracked = git(repository, "ls-files", "data").split()
    plots = [name for name in tracked if name.startswith("data/reports/plots/")]
    small = [name for name in tracked if name.startswith("data/initial/") or name.endswith((".dvc", ".json", ".md"))]
    assert set(tracked) == {*plots, *small}
    assert len(plots) == 7 and sum((repository / name).stat().st_size for name in plots) < 200_000


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
