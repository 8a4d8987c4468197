"""A Prefect server with our deployments, automations and a worker, by the commands of docs/operate.md."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from flows.orchestration.processes import descendants, free_port, start, stop
from tests.support.prefect_api import ask
from tests.support.workspace import environment, make_workspace, run


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

    def run_deployment(self, name: str, *options: str) -> None:
        self._do("-m", "prefect", "deployment", "run", f"{name}/{name}", *options)

    def runs(self, name: str) -> list[dict]:
        """The flow runs of a deployment, oldest first."""
        body = {"flows": {"name": {"any_": [name]}}, "flow_runs": {"deployment_id": {"is_null_": False}}}
        found = self.ask("flow_runs/filter", body | {"sort": "EXPECTED_START_TIME_ASC", "limit": 50})
        return [one for one in found if one["state_type"] != "SCHEDULED" or not one["auto_scheduled"]]

    def states(self, name: str) -> list[str]:
        return [one["state_type"] for one in self.runs(name)]

    def artifacts(self) -> set[str]:
        return {found["key"] for found in self.ask("artifacts/latest/filter", {"limit": 50})}

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

    def ask(self, route: str, body: dict) -> list[dict]:
        """The server's answer to a POST, e.g. `flow_runs/filter`."""
        return ask(route, body, self.api)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
