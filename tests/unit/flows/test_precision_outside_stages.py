"""A search and a refit train outside the stages: `auto` is the precision that is recorded there too, or they stop."""

from __future__ import annotations

import pytest

from features.errors import UserError
from flows.project.dataset import Project
from flows.releasing.refit import refit_bundle
from flows.tuning.proposal import tasks_of
from models.compute import precision
from models.compute.resolved import Resolved, write_resolved

RETRIEVERS = "retrievers: {sequence: {precision: %s}, popular: {}}\n"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """Trained where `auto` stands for bfloat16; this machine has none."""
    monkeypatch.setattr(precision, "_has_bfloat16", lambda: False)
    project = Project(tmp_path)
    project.paths.resolved.parent.mkdir(parents=True)
    write_resolved(Resolved(encoder="small", encoder_sha256="a" * 64, precision="bfloat16"), project.paths.resolved)
    project.paths.params.write_text(RETRIEVERS % "auto")
    return project


def test_a_search_stops_and_names_both(project):
    with pytest.raises(UserError) as stopped:
        tasks_of(project, ["sequence"])
    message = str(stopped.value)
    assert "precision bfloat16 is recorded, on this machine `auto` stands for float32" in message
    assert "params.yaml (retrievers.sequence.precision)" in message


def test_a_search_of_another_retriever_goes_on(project):
    assert [task.name for task in tasks_of(project, ["popular"])] == ["popular"]


def test_a_precision_that_params_name_is_nobodys_choice(project):
    project.paths.params.write_text(RETRIEVERS % "bfloat16")
    assert [task.name for task in tasks_of(project, ["sequence"])] == ["sequence"]


def test_a_refit_stops_before_it_trains_anything(project, tmp_path):
    with pytest.raises(UserError, match="precision bfloat16 is recorded"):
        refit_bundle(project, tmp_path / "bundle", tmp_path / "refitted", tmp_path / "refit.json")
    assert not (tmp_path / "refitted").exists()
