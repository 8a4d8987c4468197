"""One small project, run once through the flow; tests take copies of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import copy_workspace, make_workspace, recops


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory) -> Path:
    """A project after one whole `recops run`; not to be changed."""
    folder = make_workspace(tmp_path_factory.mktemp("finished") / "project")
    recops(folder, "run")
    return folder


@pytest.fixture
def project(finished_project, tmp_path) -> Path:
    """A copy of the finished project for one test."""
    return copy_workspace(finished_project, tmp_path / "project")


@pytest.fixture(scope="session")
def released_project(finished_project, tmp_path_factory) -> Path:
    """The finished project after one `recops release`; not to be changed."""
    folder = copy_workspace(finished_project, tmp_path_factory.mktemp("released") / "project")
    recops(folder, "release")
    return folder


@pytest.fixture
def released(released_project, tmp_path) -> Path:
    """A copy of the released project for one test."""
    return copy_workspace(released_project, tmp_path / "project")
