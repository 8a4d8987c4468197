"""The demo edits params.yaml as a person would: one word, every other byte as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from features.params import read_params
from flows.demo import PROFILE, edit
from flows.project.dataset import Project

PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.mark.parametrize(("path", "value"), [("profile", PROFILE), ("reranker.relevance", 0.0)])
def test_one_line_changes_and_it_takes_effect(tmp_path, path, value):
    shutil.copy(PARAMS, tmp_path / "params.yaml")
    before = PARAMS.read_bytes().splitlines(keepends=True)
    edit(Project(tmp_path), path, value)
    after = (tmp_path / "params.yaml").read_bytes().splitlines(keepends=True)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][0].partition(b":")[0] == changed[0][1].partition(b":")[0]
    chosen = read_params(tmp_path / "params.yaml")
    for part in path.split("."):
        chosen = chosen[part]
    assert chosen == value
