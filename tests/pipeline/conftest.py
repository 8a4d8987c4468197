"""One small project, run once through the flow for all workers; tests take copies of it."""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.orchestration.processes import free_port, start, stop
from tests.support.made_once import common_folder, locked, made_once
from tests.support.workspace import TEST_SERVER, copy_workspace, environment, make_workspace, recops

# of the server: what looks for deployments, workers and late runs, of which it has none
IDLE = ("CANCELLATION_CLEANUP", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "REPOSSESSOR", "SCHEDULER")


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory) -> Iterator[str]:
    """A Prefect server for all flows of the pipeline tests; the worker that started it ends it after the last user."""
    common = common_folder(tmp_path_factory)
    written, in_use = common / "prefect.address", common / "prefect.users"
    with locked(in_use, shared=True):
        with locked(common / "prefect.lock"):
            server = None if written.exists() else start_server(common / "prefect", written)
        os.environ[TEST_SERVER] = written.read_text()
        yield os.environ[TEST_SERVER]
        del os.environ[TEST_SERVER]
    if server is not None:
        with locked(in_use):
            stop(server)


def start_server(folder: Path, written: Path):
    """Starts a Prefect server and writes down its address when it answers."""
    (folder / ".recops" / "prefect").mkdir(parents=True)
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    services = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in IDLE}
    server = start(command, env=environment(folder, **services), cwd=folder, log=folder / "server.log")
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                break
        except OSError:
            assert time.monotonic() < deadline and server.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.3)
    written.write_text(address)
    return server


@pytest.fixture(scope="session")
def finished_project(prefect_server, tmp_path_factory) -> Path:
    """A project after one whole `recops run`; not to be changed."""

    def make(folder: Path) -> None:
        recops(make_workspace(folder / "project"), "run")

    shared = made_once(tmp_path_factory, "finished", make) / "project"
    return copy_workspace(shared, tmp_path_factory.mktemp("finished") / "project")


@pytest.fixture
def project(finished_project, tmp_path) -> Path:
    """A copy of the finished project for one test."""
    return copy_workspace(finished_project, tmp_path / "project")


@pytest.fixture(scope="session")
def released_project(finished_project, tmp_path_factory) -> Path:
    """The finished project after one `recops release`; not to be changed."""

    def make(folder: Path) -> None:
        recops(copy_workspace(finished_project, folder / "project"), "release")

    shared = made_once(tmp_path_factory, "released", make) / "project"
    return copy_workspace(shared, tmp_path_factory.mktemp("released") / "project")


@pytest.fixture
def released(released_project, tmp_path) -> Path:
    """A copy of the released project for one test."""
    return copy_workspace(released_project, tmp_path / "project")
