"""DVC end to end: a remote gives data and models back to a clone, experiments run, plots render."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.workspace import ROOT, bundle_hash, copy_workspace, environment, recops, run


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
