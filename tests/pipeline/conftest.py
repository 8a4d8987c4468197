"""One small project, run once through the flow; tests take copies of it."""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.orchestration.processes import free_port, start, stop
from tests.support.workspace import TEST_SERVER, copy_workspace, environment, make_workspace, recops


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory) -> Iterator[str]:
    """A Prefect server for all flows of the pipeline tests."""
    folder = tmp_path_factory.mktemp("prefect")
    (folder / ".recops" / "prefect").mkdir(parents=True)
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = start(command, env=environment(folder), cwd=folder, log=folder / "server.log")
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                break
        except OSError:
            assert time.monotonic() < deadline and server.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.3)
    os.environ[TEST_SERVER] = address
    yield address
    del os.environ[TEST_SERVER]
    stop(server)


@pytest.fixture(scope="session")
def finished_project(prefect_server, tmp_path_factory) -> Path:
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
