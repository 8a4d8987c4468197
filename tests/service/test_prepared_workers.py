"""Workers that were prepared import their code at once, and touch nothing before the supervisor lets them begin."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from services import worker
from services.supervision.workers import GATE, Code, Workers
from tests.support.waiting import wait_for

STAND_IN = """
import os, sys, time
from pathlib import Path
Path(f"imported-{os.getpid()}").touch()
gate = os.environ.pop("SERVING_GATE", None)
if gate is None or os.read(int(gate), 1):
    Path(f"answers-{os.getpid()}").touch()
    time.sleep(60)
"""


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    """Two prepared workers whose program only leaves files."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "worker.py").write_text(STAND_IN)
    made = Workers(code=Code(tmp_path), scratch=tmp_path, file_descriptor=0, environment=dict(os.environ))
    made.prepare(2)
    yield made
    made.kill()


def those_that(what: str, folder: Path) -> set[int]:
    return {int(path.name.split("-")[1]) for path in folder.glob(f"{what}-*")}


def test_all_of_them_begin_when_they_may(workers, tmp_path):
    assert wait_for(lambda: those_that("imported", tmp_path) == workers.pids(), 30)
    time.sleep(0.3)
    assert those_that("answers", tmp_path) == set()
    workers.begin()
    assert wait_for(lambda: those_that("answers", tmp_path) == workers.pids(), 30)


def test_they_end_when_the_checks_fail(workers, tmp_path):
    assert wait_for(lambda: those_that("imported", tmp_path) == workers.pids(), 30)
    workers.kill()
    assert workers.all_ended()
    assert those_that("answers", tmp_path) == set()


def test_one_that_ended_behind_the_gate_is_started_without_a_gate(workers, tmp_path):
    dead = workers.running[0].process
    dead.kill()
    dead.wait()
    workers.begin()
    workers.restart_ended()
    assert dead.pid not in workers.pids()
    assert wait_for(lambda: those_that("answers", tmp_path) == workers.pids(), 30)


@pytest.mark.parametrize(("sent", "begins"), [(b".", True), (b"", False)])
def test_a_worker_begins_by_a_sign_and_not_by_the_end_of_its_supervisor(monkeypatch, sent, begins):
    monkeypatch.setattr(worker, "make_asgi", lambda: None)
    waits, gate = os.pipe()
    os.write(gate, sent)
    os.close(gate)
    assert worker.may_begin(waits) is begins


def test_the_stand_in_waits_at_the_gate_of_real_workers():
    assert f'"{GATE}"' in STAND_IN
