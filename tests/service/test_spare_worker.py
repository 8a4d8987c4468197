"""A spare worker takes the place of one that dies, as soon as the supervisor sees that it is dead."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from models.release.running import running_services
from services.supervision.workers import Code, Workers
from tests.support.served import call, family, serving
from tests.support.small_release import release
from tests.support.waiting import wait_for

STAND_IN = """
import argparse, os, sys, time
from pathlib import Path
parser = argparse.ArgumentParser()
for name in ("--fd", "--number", "--parent", "--must-load"):
    parser.add_argument(name)
parser.add_argument("--spare", action="store_true")
given = parser.parse_args()
number = sys.stdin.readline().strip() if given.spare else given.number
if number:
    Path(f"answers-{os.getpid()}").write_text(number)
    time.sleep(60)
"""


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    """Two workers whose program only says which of them it is."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "worker.py").write_text(STAND_IN)
    made = Workers(code=Code(tmp_path), scratch=tmp_path, file_descriptor=0, environment=dict(os.environ))
    made.start(2, must_load=False)
    yield made
    made.drain()
    made.wait(time.monotonic() + 10)


def answers(folder: Path) -> dict[int, str]:
    """Process id → number of each process that has begun to answer."""
    return {int(path.name.split("-")[1]): path.read_text() for path in folder.glob("answers-*")}


def test_it_answers_under_the_number_of_the_dead_one(workers, tmp_path):
    assert wait_for(lambda: len(answers(tmp_path)) == 2, 30)
    assert workers.needs_spare()
    workers.start_spare()
    assert not workers.needs_spare()
    spare, dead = workers.spare.process.pid, workers.running[1].process
    dead.kill()
    dead.wait()
    workers.restart_ended()
    assert workers.pids() == {workers.running[0].process.pid, spare}
    assert wait_for(lambda: answers(tmp_path).get(spare) == "2", 30)
    assert workers.needs_spare()  # the next one


def test_without_a_spare_a_new_process_is_started_at_once(workers, tmp_path):
    dead = workers.running[0].process
    dead.kill()
    dead.wait()
    workers.restart_ended()
    assert wait_for(lambda: answers(tmp_path).get(workers.running[0].process.pid) == "1", 30)


def test_a_spare_that_died_takes_no_place(workers):
    workers.start_spare()
    workers.spare.process.kill()
    workers.spare.process.wait()
    dead = workers.running[0].process
    dead.kill()
    dead.wait()
    workers.restart_ended()
    assert workers.running[0].process.poll() is None


def test_a_spare_ends_with_the_others(workers):
    workers.start_spare()
    spare = workers.spare.process
    workers.drain()
    assert spare.poll() is not None


@pytest.mark.soak
def test_a_killed_worker_is_back(made, settings):
    release(made, settings, "r1")
    with serving(settings.home, RECOPS_SPARE_WORKER="true") as (address, process):
        assert wait_for(lambda: len(family(process.pid)) == 3, 120)
        time.sleep(30)  # it has loaded a release once
        (worker,) = {service.pid for service in running_services(settings.home) if service.release}
        os.kill(worker, signal.SIGKILL)
        began = time.monotonic()
        assert wait_for(lambda: _answers(address), 60)
        print(f"back after {time.monotonic() - began:.2f} s")
        assert worker not in family(process.pid)


def _answers(address: str) -> bool:
    try:
        return call(address, "/recommend", {"user_id": "u"})[0] == 200
    except OSError:
        return False
