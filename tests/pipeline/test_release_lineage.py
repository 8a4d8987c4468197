"""Lineage: a release names what it was made from, can be made again in a clone, and restored from a DVC remote."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from features.errors import RefusedError, UserError
from features.settings import Settings
from flows.project.dataset import Project
from flows.project.provenance import git_state
from flows.releasing import steps as releasing
from flows.releasing.gc import gc
from flows.releasing.lineage import described
from flows.releasing.sharing import pull, share
from models.release.bundle import sha256_of, sha256_of_files
from models.release.code import SERVING_PACKAGES
from models.release.store import Release, ReleaseStore
from tests.support.release_project import make_project
from tests.support.workspace import ROOT, bundle_hash, environment, recops, run

USER = ("-c", "user.name=anna", "-c", "user.email=anna@example.org")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *USER, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def under_git(root: Path, remote: Path) -> str:
    """Makes a repository of a project, with a DVC remote that is a folder; the commit."""
    shutil.copy(ROOT / ".gitignore", root / ".gitignore")
    git(root, "init", "-q", "-b", "main")
    if (root / ".dvc").is_dir():
        run("-m", "dvc", "config", "--unset", "core.no_scm", cwd=root)
        (root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")  # as `dvc init` with git does
    else:
        run("-m", "dvc", "init", "-q", cwd=root)
    run("-m", "dvc", "remote", "add", "-q", "-d", "store", str(remote), cwd=root)
    return commit(root)


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "state")
    return git(root, "rev-parse", "HEAD")


def released_by_hand(root: Path, settings: Settings, weights: str = "one") -> Release:
    """A release of the hand-made project: all steps but the replay."""
    make_project(root, weights=weights)
    project = Project(root)
    manifest = releasing.check(project, settings, force=False, why=None)
    assert not isinstance(manifest, Release)
    plan = releasing.begin(project, settings, manifest, who="anna", force=False, why=None)
    releasing.materialize(plan)
    return releasing.swap(plan, releasing.build(plan))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A hand-made project with the code that serves."""
    folder = tmp_path / "project"
    make_project(folder)
    for package in SERVING_PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


def test_git_tells_commit_and_differences_and_without_git_there_is_none(tmp_path):
    root = tmp_path / "repository" / "project"
    root.mkdir(parents=True)
    (root / "a.py").write_text("1")
    assert git_state(root).commit is None
    git(root.parent, "init", "-q")
    assert git_state(root).commit is None  # nothing is committed yet
    first = commit(root.parent)
    assert (git_state(root).commit, git_state(root).dirty, git_state(root).folder) == (first, False, "project")
    git(root, "remote", "add", "origin", "https://anna:secret@example.org/project.git")
    assert git_state(root).remote == "https://example.org/project.git"
    (root / "data" / "releases").mkdir(parents=True)
    (root / "data" / "releases" / "r1.dvc").write_text("outs: []")  # no stage reads it
    (root.parent / "elsewhere.txt").write_text("not of this project")
    assert not git_state(root).dirty
    (root / "a.py").write_text("2")
    (root / "ä b.py").write_text("3")
    assert git_state(root).differs == ("?? ä b.py", "M a.py")
    for number in range(30):
        (root / f"new{number}.py").write_text("4")
    assert (len(git_state(root).differs), git_state(root).n_differs) == (20, 32)


def test_from_no_git_or_a_dirty_tree_it_says_that_it_cannot_be_made_again(root, tmp_path):
    settings = Settings(home=tmp_path / "home")
    outside = "\n".join(described(released_by_hand(root, settings), []))
    assert "It cannot be made again from git and DVC:" in outside
    assert "outside of a git repository" in outside
    head = under_git(root, tmp_path / "remote")
    (root / "params.yaml").write_text("source: {name: csv, line: abc}\nsplit: {}\n")
    make = (root / "params.yaml").read_text()
    done = released_by_hand(root, settings, weights="two")
    (root / "params.yaml").write_text(make)
    assert done.source["git"]["commit"] == head
    assert done.source["git"]["dirty"] is True
    text = "\n".join(described(done, list(ReleaseStore(settings.home).history())))
    assert f"the project differed from commit {head}: M data/reports/decision.json" in text
    assert "git clone" not in text


def test_a_release_is_shared_by_a_dvc_file_and_restored_elsewhere(root, tmp_path):
    settings = Settings(home=tmp_path / "home")
    under_git(root, tmp_path / "remote")
    done = released_by_hand(root, settings)
    path = share(Project(root), settings, done.release)
    assert path == root / "data" / "releases" / f"{done.release}.dvc"
    assert git(root, "status", "--porcelain", "--", "data/releases") == "?? data/releases/"
    git(root, "add", "data/releases")
    staged = git(root, "diff", "--cached", "--name-only").splitlines()
    assert staged == ["data/releases/.gitignore", f"data/releases/{done.release}.dvc"]
    assert "up to date" in run("-m", "dvc", "status", cwd=root).stdout
    commit(root)
    run("-m", "dvc", "push", "-q", cwd=root)

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(root), str(clone))
    other, project = Settings(home=tmp_path / "other"), Project(clone)
    with pytest.raises(RefusedError, match=r"data/split: its hash is none, expected .* cannot be filled here"):
        list(pull(project, other, done.release))
    files = sha256_of_files(ReleaseStore(settings.home).folder(done.release))
    assert sha256_of_files(clone / "data" / "releases" / done.release) == files
    for name in ("split", "features", "catalogue"):
        shutil.copytree(root / "data" / name, clone / "data" / name)
    lines = list(pull(project, other, done.release))
    assert any("Bento recops:" in line for line in lines)
    store = ReleaseStore(other.home)
    restored = store.read(done.release)
    assert (restored.bundle_hash, restored.bento_tag) == (done.bundle_hash, done.bento_tag)
    assert (store.live(), list(store.pinned())) == (None, [done.release])
    here = sha256_of_files(store.folder(done.release))
    assert {name for name in files if here[name] != files[name]} == {"release.json"}
    from features.online.namespace import OnlineNamespace

    (state,) = OnlineNamespace(other, restored.namespace).users(["u0"])
    assert state.item_ids == ["i0", "i3", "i2", "i1"]
    assert gc(other) == []  # it is pinned, no leftover
    assert "already" in next(iter(pull(project, other, done.release)))

    with (clone / "services" / "errors.py").open("a") as file:
        file.write("# other code\n")
    third = Settings(home=tmp_path / "third")
    with pytest.raises(RefusedError, match=r"its code and packages make the Bento recops:"):
        list(pull(project, third, done.release))
    assert ReleaseStore(third.home).list() == []
    with pytest.raises(UserError, match=rf"r9\.dvc: not there; shared are \['{done.release}'\]"):
        list(pull(project, third, "r9"))


@pytest.mark.soak
def test_gc_takes_the_shared_files_of_removed_releases_along(root, tmp_path):
    settings = Settings(home=tmp_path / "home")
    under_git(root, tmp_path / "remote")
    done = [released_by_hand(root, settings, weights) for weights in ("a", "b", "c")]
    for release in done:
        share(Project(root), settings, release.release)
    lines = gc(settings, Project(root))
    assert f"data/releases/{done[0].release}.dvc: commit its removal" in lines
    left = sorted(path.name for path in (root / "data" / "releases").iterdir() if path.name != ".gitignore")
    assert left == sorted(name for release in done[1:] for name in (release.release, f"{release.release}.dvc"))


@pytest.mark.soak
def test_a_release_is_made_again_in_a_clone_by_the_commands_that_it_shows(project, tmp_path):
    under_git(project, tmp_path / "remote")
    run("-m", "dvc", "push", "-q", cwd=project)
    recops(project, "release")
    store = ReleaseStore(project / ".recops")
    (done,) = store.list()
    assert done.source["dvc_lock"] == sha256_of(project / "dvc.lock")
    assert done.source["train_run"] is None or len(done.source["train_run"]) == 36
    assert {"data/split", "data/bundle"} <= set(done.source["data"])
    assert len(done.source["resolved"]["encoder_sha256"]) == 64
    assert done.source["stale"] == []
    shown = recops(project, "releases", "show", done.release).stdout
    assert f"data/bundle/manifest.json then has the hash {done.bundle_hash}" in shown, shown
    instructions = shown.partition("To make the same bundle again")[2]
    commands = [line.strip() for line in instructions.splitlines() if line.startswith("    ")]
    assert commands[0] == "git clone URL again"
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    script = "\n".join(["set -e", *commands, "dvc repro -f -s bundle"]).replace("URL", str(project))
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment(folder / "again"), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert bundle_hash(folder / "again") == done.bundle_hash
    git(project, "tag", "-a", "bundle@v1.0.0", "-m", "bundle")  # DVC's registry takes versions from such tags
    got = folder / "got"
    run("-m", "dvc", "artifacts", "get", str(project), "bundle", "-o", str(got), cwd=folder)
    assert json.loads((got / "manifest.json").read_text())["hash"] == done.bundle_hash
