"""Labels of runs: a name that says what, how and when; tags; the code's version."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

from flows.orchestration.run_labels import _commit, code_version, name_of, root_of, tags_of

INSTANT = datetime(2026, 11, 28, 5, 12, 59, tzinfo=UTC)


def write_params(folder, text="profile: quick\nsource: {name: movielens}\n"):
    folder.mkdir(exist_ok=True)
    (folder / "params.yaml").write_text(text)
    return folder


def test_a_name_says_the_flow_the_profile_the_minute_and_the_source(tmp_path):
    assert name_of("train", write_params(tmp_path), INSTANT) == "train quick 2026-11-28 05:12 (movielens)"


def test_without_readable_params_the_name_is_shorter_and_nothing_fails(tmp_path):
    assert name_of("gc", tmp_path, INSTANT) == "gc 2026-11-28 05:12"
    assert name_of("gc", write_params(tmp_path, "profile: [\n"), INSTANT) == "gc 2026-11-28 05:12"


def test_tags_are_ours_the_project_and_the_profile(tmp_path):
    assert tags_of(write_params(tmp_path / "ml-1m")) == ["recops", "ml-1m", "quick"]
    assert tags_of(write_params(tmp_path / "recops")) == ["recops", "quick"]


def test_the_root_is_the_current_folder_unless_a_parameter_names_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert root_of({"root": None}) == root_of({}) == tmp_path
    assert root_of({"root": "/elsewhere"}).as_posix() == "/elsewhere"


def test_the_version_names_the_commit_and_whether_the_code_differs_from_it(tmp_path):
    def git(*arguments):
        done = subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    assert _commit(tmp_path) == ""
    git("init", "-q")
    (tmp_path / "code.py").write_text("x = 1\n")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    commit = git("rev-parse", "--short=10", "HEAD")
    assert _commit(tmp_path) == commit
    (tmp_path / "code.py").write_text("x = 2\n")
    assert _commit(tmp_path) == f"{commit}.dirty"
    assert code_version().startswith("0.")
