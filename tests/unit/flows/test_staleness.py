"""Staleness: many stages asked at once give what DVC says of each, and a change is seen however often it was asked."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest

from features.errors import UserError
from flows.project.dag import Dag
from flows.project.under_dvc import open_repo

PIPELINE = """
stages:
  first: {cmd: cp source.txt first.txt, deps: [source.txt], params: [a], outs: [first.txt]}
  second: {cmd: cp first.txt second.txt, deps: [source.txt, first.txt], params: [b.c], outs: [second.txt]}
  third: {cmd: cp source.txt third.txt, deps: [source.txt], outs: [third.txt]}
"""


@pytest.fixture
def folder(tmp_path):
    """Three stages, all run."""
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = True\n    analytics = false\n")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("a: 1\nb: {c: 2, d: 3}\n")
    (tmp_path / "source.txt").write_text("one")
    os.chdir(tmp_path)
    with open_repo(tmp_path) as repo:
        repo.reproduce()
    return tmp_path


def by_dvc(folder):
    """What DVC says when each stage is asked by itself."""
    with open_repo(folder) as repo, repo.lock:
        return [stage.name for stage in repo.index.stages if stage.changed()]


CHANGES = {
    "nothing": (lambda folder: None, []),
    "a param of the first": (lambda folder: (folder / "params.yaml").write_text("a: 5\nb: {c: 2, d: 3}\n"), ["first"]),
    "a param of the second": (
        lambda folder: (folder / "params.yaml").write_text("a: 1\nb: {c: 5, d: 3}\n"),
        ["second"],
    ),
    "a param of none": (lambda folder: (folder / "params.yaml").write_text("a: 1\nb: {c: 2, d: 5}\n"), []),
    "what all read": (lambda folder: (folder / "source.txt").write_text("two"), ["first", "second", "third"]),
    "an output that another reads": (lambda folder: (folder / "first.txt").write_text("two"), ["first", "second"]),
    "an output that is gone": (lambda folder: (folder / "third.txt").unlink(), ["third"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_at_once_is_what_dvc_says_of_each(folder, change):
    dag = Dag(folder)
    assert dag.stale() == []
    make, expected = CHANGES[change]
    make(folder)
    dag.forget()
    assert dag.stale() == by_dvc(folder) == expected
    assert [name for name in dag.order() if Dag(folder).is_stale(name)] == expected
    assert not any(json.loads((folder / ".dvc" / "tmp" / "rwlock").read_text()).values())


def test_a_file_of_params_is_parsed_once_and_a_path_hashed_once(folder, monkeypatch):
    from dvc.dependency import param
    from dvc.output import Output

    parsed, hashed, load, get_hash = Counter(), Counter(), param.load_path, Output._get_hash_meta
    monkeypatch.setattr(param, "load_path", lambda path, *more, **named: parsed.update([path]) or load(path, *more))
    monkeypatch.setattr(Output, "_get_hash_meta", lambda out: hashed.update([str(out)]) or get_hash(out))
    (folder / "params.yaml").write_text("a: 1\nb: {c: 2, d: 7}\n")
    assert Dag(folder).stale() == []
    assert list(parsed.values()) == [1]
    assert hashed == {"source.txt": 1, "first.txt": 2, "second.txt": 1, "third.txt": 1}


def test_after_a_stage_ran_it_is_asked_anew(folder):
    dag = Dag(folder)
    (folder / "source.txt").write_text("two")
    assert dag.stale() == ["first", "second", "third"]
    dag.run("third", print)
    assert dag.stale() == ["first", "second"]


def test_what_another_command_writes_is_not_judged(folder):
    held = {"write": {str(folder / "third.txt"): {"pid": os.getppid(), "cmd": "dvc repro"}}}
    dag = Dag(folder)
    (folder / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(held))
    with pytest.raises(UserError, match="another run or DVC command is under way"):
        dag.stale()
