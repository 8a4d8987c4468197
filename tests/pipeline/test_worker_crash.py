"""A real Prefect server and process worker, killed in the middle: the run is found, marked, run again, and finishes."""

from __future__ import annotations

import time

import pytest

from features.events.event_log import EventLog, NewEvent
from features.settings import Settings
from flows.orchestration.automations import WITHIN_S
from flows.orchestration.processes import descendants
from models.release.store import ReleaseStore
from tests.support.prefect_platform import Platform, kill
from tests.support.workspace import bundle_hash, run

pytestmark = pytest.mark.soak


@pytest.fixture
def platform(tmp_path):
    found = Platform(tmp_path / "project")
    yield found
    found.stop()


def test_worker_and_run_killed_in_the_middle_of_a_retrain(platform):
    """As when the machine goes down: nobody is left to tell; the missing heartbeat does."""
    settings = Settings(home=platform.folder / ".recops")
    log = EventLog(settings.events_url)
    log.append([NewEvent("newcomer", "i-new", "click", event_id="once")])
    log.close()
    platform.run_deployment("retrain")
    platform.wait(lambda: (platform.folder / "data" / "catalogue").is_dir(), 400)
    platform.wait(lambda: len(descendants(platform.worker.pid)) > 1, 60)  # the run, and a stage that is under way
    doomed = [platform.worker.pid, *descendants(platform.worker.pid)]
    for pid in doomed:
        kill(pid)
    killed_at = time.monotonic()
    assert platform.states("retrain") == ["RUNNING"]
    platform.start_worker()
    platform.wait(lambda: platform.states("retrain")[0] == "CRASHED", WITHIN_S + 120)
    found_s = time.monotonic() - killed_at
    platform.wait(lambda: platform.states("retrain")[1:] in (["COMPLETED"], ["FAILED"]), 900)
    assert platform.states("retrain") == ["CRASHED", "COMPLETED"], platform.told()
    store = ReleaseStore(settings.home)
    assert store.read(store.live()).bundle_hash == bundle_hash(platform.folder)
    assert store.read(store.live()).events_through == 1
    assert "up to date" in run("-m", "dvc", "status", cwd=platform.folder).stdout
    assert {"headline", "metrics", "verdict", "stages", "release"} <= platform.artifacts()
    print(f"the killed run was found after {found_s:.0f} s")


def test_only_the_run_killed_the_worker_marks_it_and_it_is_run_again(platform):
    platform.run_deployment("train")
    platform.wait(lambda: (platform.folder / "data" / "split" / "split.json").is_file(), 400)
    for pid in descendants(platform.worker.pid):
        kill(pid)
    platform.wait(lambda: platform.states("train")[:1] == ["CRASHED"], 60)
    platform.wait(lambda: platform.states("train")[1:] in (["COMPLETED"], ["FAILED"]), 900)
    assert platform.states("train") == ["CRASHED", "COMPLETED"], platform.told()
    assert (platform.folder / "data" / "reports" / "decision.json").is_file()
    assert "up to date" in run("-m", "dvc", "status", cwd=platform.folder).stdout
