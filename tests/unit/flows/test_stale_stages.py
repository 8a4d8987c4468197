"""What is asked of DVC before a run begins: what the goal needs, and not the same thing twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from features.errors import UserError
from features.settings import Settings
from flows import train
from flows.cli import pipeline
from flows.orchestration import server
from flows.project import dag
from flows.project.dag import wanted
from flows.project.dataset import Project
from flows.project.resolve import refresh_resolved

ROOT = Path(__file__).parents[3]
NEEDS = {"ingest": set(), "clean": {"ingest"}, "bundle": {"clean", "ingest"}, "decide": {"bundle", "clean", "ingest"}}


class Asked:
    """A DAG that notes each question about what is stale."""

    def __init__(self, *stale: str) -> None:
        self.stale_ones, self.questions = stale, []

    def order(self):
        return list(NEEDS)

    def needed_by(self, name):
        return NEEDS[name] | {name, "data/raw.dvc"}

    def stale(self):
        self.questions.append("all")
        return [name for name in NEEDS if name in self.stale_ones]

    def forget(self):
        pass


def test_until_takes_what_it_needs_in_order():
    assert wanted(Asked(), "bundle") == ["ingest", "clean", "bundle"]
    with pytest.raises(UserError, match="no stage 'bundel'"):
        wanted(Asked(), "bundel")


def test_before_the_flow_begins_the_state_of_all_stages_is_asked_once(monkeypatch, tmp_path):
    asked = Asked("clean")
    asked.root = tmp_path
    shutil.copytree(ROOT / "data" / "initial", tmp_path / "data" / "initial")
    for name in ("dvc.yaml", "params.yaml", "data/resolved.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    refresh_resolved(Project(tmp_path), Settings())  # as on the machine that runs this
    monkeypatch.setattr(pipeline, "open_project", lambda verbose: (Project(tmp_path), Settings()))
    monkeypatch.setattr(dag, "Dag", lambda root: asked)
    monkeypatch.setattr(train, "Dag", lambda root: asked)
    monkeypatch.setattr(server, "choose_server", lambda settings: None)
    begun = []
    monkeypatch.setattr(train, "train_flow", lambda *given: begun.append(given) or train.Outcome(["clean"]))
    pipeline.run(until="clean", quiet=True)
    assert begun == [(str(tmp_path), "clean", 0)]
    assert asked.questions == ["all"]
