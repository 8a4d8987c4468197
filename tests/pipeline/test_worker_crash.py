"""A real Prefect server and process worker, killed in the middle: the run is found, marked, run again, and finishes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from features.events.event_log import EventLog, NewEvent
from features.settings import Settings
from flows.orchestration.automations import WITHIN_S
from flows.orchestration.processes import free_port, start, stop
from models.release.store import ReleaseStore
from tests.support.workspace import bundle_hash, environment, make_workspace, run

pytestmark = pytest.mark.soak


class Platform:
    """Server, deployments, automations and worker of one project, by the commands of docs/operate.md."""

    def __init__(self, folder: Path) -> None:
        self.folder = make_workspace(folder)
        port = free_port()
        self.api = f"http://127.0.0.1:{port}/api"
        self.logs = folder / "logs"
        (folder / ".recops" / "prefect").mkdir(parents=True)
        self.env = environment(folder, PREFECT_LOGGING_LEVEL="INFO")
        self.env.pop("PREFECT_API_URL", None)
        self.server = self._start("server", "-m", "prefect", "server", "start", "--port", str(port))
        self.env["PREFECT_API_URL"] = self.api
        self.wait(self._is_up, 120)
        self._do("-m", "prefect", "work-pool", "create", "local", "--type", "process", "--overwrite")
        self._do("-m", "prefect", "deploy", "--all", "--no-prompt")
        self._do("-m", "flows.orchestration.automations")
        self.start_worker()

    def start_worker(self) -> None:
        self.worker = self._start(f"worker-{time.time_ns()}", "-m", "prefect", "worker", "start", "--pool", "local")

    def run_deployment(self, name: str) -> None:
        self._do("-m", "prefect", "deployment", "run", f"{name}/{name}")

    def runs(self, name: str) -> list[dict]:
        """The flow runs of a deployment, oldest first."""
        body = {"flows": {"name": {"any_": [name]}}, "flow_runs": {"deployment_id": {"is_null_": False}}}
        found = self._call("flow_runs/filter", body | {"sort": "EXPECTED_START_TIME_ASC", "limit": 50})
        return [one for one in found if one["state_type"] != "SCHEDULED" or not one["auto_scheduled"]]

    def states(self, name: str) -> list[str]:
        return [one["state_type"] for one in self.runs(name)]

    def artifacts(self) -> set[str]:
        return {found["key"] for found in self._call("artifacts/latest/filter", {"limit": 50})}

    def wait(self, done, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):  # a server on a busy machine may answer the next time
                if done():
                    return
            time.sleep(0.5)
        pytest.fail(self.told())

    def told(self) -> str:
        """What everything has said, for a failed test."""
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-5000:]}" for log in self.logs.glob("*.log"))

    def stop(self) -> None:
        for process in (self.worker, self.server):
            for pid in descendants(process.pid):
                kill(pid)
            stop(process)

    def _start(self, name: str, *arguments: str) -> subprocess.Popen:
        return start([sys.executable, *arguments], env=self.env, cwd=self.folder, log=self.logs / f"{name}.log")

    def _do(self, *arguments: str) -> None:
        run(*arguments, cwd=self.folder, **{key: self.env[key] for key in self.env if key.startswith("PREFECT_")})

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api}/health", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def _call(self, route: str, body: dict) -> list[dict]:
        request = urllib.request.Request(
            f"{self.api}/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


def descendants(pid: int) -> list[int]:
    """Every living process below one."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


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
    assert {"metrics", "verdict", "stages", "data-docs", "release"} <= platform.artifacts()
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
