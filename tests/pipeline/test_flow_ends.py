"""How flow runs end and what their pages show, on a real Prefect server."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from flows.orchestration.processes import descendants
from tests.support.prefect_api import ask, latest_run, log_lines
from tests.support.waiting import wait_for
from tests.support.workspace import environment, make_workspace, recops


@pytest.fixture
def folder(prefect_server, tmp_path) -> Path:
    """A project whose name, which is a tag of its runs, no other test has; nothing has run yet."""
    return make_workspace(tmp_path / f"shop-{uuid.uuid4().hex[:8]}")


def stage_under(pid: int, stage: str = "") -> bool:
    """Whether the process of a stage, or of any, runs below one."""
    for child in descendants(pid):
        try:
            if f"flows.stages.{stage}".encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False


FLOW = """
from pathlib import Path
from features.settings import read_settings
from flows.orchestration.server import choose_server
from flows.project.dag import Dag

choose_server(read_settings())
from flows.train import begin

begin(Dag(Path.cwd()), "ingest", 0)
"""


def test_another_run_under_way_is_refused_by_the_command_and_no_failed_run_of_a_deployment(folder):
    lock = folder / ".dvc" / "tmp" / "recops-run.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711")
        held.flush()
        done = recops(folder, "run", "--until", "ingest", check=False)
        flow = subprocess.run(
            [sys.executable, "-c", FLOW],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "another run is under way here (process 4711); wait for it to end" in done.stderr
    assert "another run is under way here (process 4711)" in flow.stderr
    run = latest_run("train", folder.name)
    assert (run["state_type"], run["state_name"]) == ("CANCELLED", "Skipped")
    assert "another run is under way here (process 4711)" in run["state"]["message"]


@pytest.mark.soak
def test_ctrl_c_says_that_nothing_is_lost_and_the_next_run_goes_on(folder):
    command = [sys.executable, "-m", "flows.cli", "run", "--until", "split"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_for(lambda: stage_under(process.pid, "validate"), 120)
    time.sleep(2)  # in the middle of its imports
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the command
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert said.rstrip().splitlines()[-1].startswith("stopped, nothing lost: `recops run` goes on where"), said
    run = latest_run("train", folder.name)
    assert run["state_type"] == "CANCELLED"
    assert "stopped, nothing lost" in run["state"]["message"]
    assert not stage_under(os.getpid())
    assert "nothing to do" in recops(folder, "run", "--until", "ingest").stdout  # what had finished has stayed
    recops(folder, "run", "--until", "validate")


@pytest.mark.parametrize(
    ("variable", "what"),
    [
        ("RECOPS_TASK_TIMEOUT_S", "train: ingest"),
        pytest.param("RECOPS_FLOW_TIMEOUT_S", "flow train", marks=pytest.mark.soak),
    ],
)
def test_a_stage_that_takes_too_long_is_ended_and_the_sentence_says_how_to_raise_the_limit(folder, variable, what):
    done = recops(folder, "run", "--until", "ingest", check=False, **{variable: "0.2"})
    assert done.returncode == 1
    sentence = f"{what} took longer than its time limit of 0.2 s and was ended"
    assert sentence in done.stderr
    assert f"set {variable} to more seconds" in done.stderr
    run = latest_run("train", folder.name)
    assert run["state_type"] == "FAILED"
    assert sentence in run["state"]["message"]
    recops(folder, "run", "--until", "ingest")


def test_the_page_says_what_ran_when_and_how_it_ended(folder):
    recops(folder, "run", "--until", "split", RECOPS_REPORTS_URL="http://127.0.0.1:4201")
    run = latest_run("train", folder.name)
    assert re.fullmatch(r"train quick \d{4}-\d\d-\d\d \d\d:\d\d \(simulator\)", run["name"])
    assert set(run["tags"]) == {"recops", folder.name, "quick"}
    assert run["flow_version"].startswith("0.")
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Completed")

    lines = log_lines(run)
    assert any("stage=split" in line for line in lines)

    artifacts = ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    own = [artifact for artifact in artifacts if artifact["task_run_id"] is None]
    assert [artifact["key"] for artifact in own] == ["headline"]
    assert own[0]["data"].startswith("# Not judged yet")
    assert {"stages", "lineage", "data-docs"} <= {artifact["key"] for artifact in artifacts}
    assert not any("file://" in str(artifact["data"]) for artifact in artifacts)
    (link,) = [artifact["data"] for artifact in artifacts if artifact["key"] == "data-docs"]
    assert "http://127.0.0.1:4201/docs/index.html" in link

    related = {"any_": [f"prefect.tag.{tag}" for tag in ("recops",)]}
    beats = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "related": {"id": list(related["any_"])}}
    ids = [event["resource"]["prefect.resource.id"] for event in ask("events/filter", {"filter": beats})["events"]]
    assert f"prefect.flow-run.{run['id']}" in ids
