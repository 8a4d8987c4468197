"""What a run tells while it goes on, and what Ctrl-C leaves: every finished stage, and nothing that holds the next."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from ruamel.yaml import YAML

from flows.project.dag import Dag, wanted_and_stale
from tests.pipeline.test_kill import stage_processes, undo
from tests.support.workspace import TEST_SERVER, edit_params, environment, recops, run

WATCHED = """
import dataclasses, json, pathlib, sys
from flows.project.dag import Dag
from flows.train import begin

def tell(event):
    with open("events.jsonl", "a") as file:
        print(json.dumps([type(event).__name__, dataclasses.asdict(event)]), file=file)

begin(Dag(pathlib.Path.cwd()), None, 0, listener=tell)
"""


def watched_run(folder):
    (folder / "events.jsonl").unlink(missing_ok=True)
    run("-c", WATCHED, cwd=folder)
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def lines_on_the_page():
    request = urllib.request.Request(
        f"{os.environ[TEST_SERVER]}/logs/filter",
        json.dumps({"sort": "TIMESTAMP_DESC", "limit": 200}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return [entry["message"] for entry in json.load(reply)]


def of_kind(events, kind):
    return [event for name, event in events if name == kind]


def test_a_run_tells_what_happens_and_how_long_it_will_take(project):
    (project / ".dvc" / "tmp" / "recops-seconds.json").unlink()
    edit_params(project, {"decide.min_queries": 90})
    events = watched_run(project)
    names = Dag(project).order()
    assert events[0] == ["RunStarted", {"names": names, "stale": ["decide"]}]
    started = of_kind(events, "StageStarted")[0]
    assert started == {
        "name": "decide",
        "number": names.index("decide") + 1,
        "n_stages": len(names),
        "expected_seconds": None,
    }
    ended = {event["name"]: event for event in of_kind(events, "StageEnded")}
    assert list(ended) == names
    assert ended["ingest"]["outcome"] == "skipped"
    assert ended["decide"]["outcome"] == "ran"
    assert {event["name"] for event in of_kind(events, "StageLine")} >= {"decide"}
    line = of_kind(events, "StageLine")[-1]["text"]
    assert line in lines_on_the_page(), "the run's page on the Prefect server does not show what the stage wrote"
    edit_params(project, {"decide.min_queries": 91})
    again = of_kind(watched_run(project), "StageStarted")[0]
    assert again["expected_seconds"] == round(ended["decide"]["seconds"], 2)


def test_ctrl_c_ends_the_stage_and_keeps_what_was_finished(project):
    for stage in ("split", "bundle", "evaluate"):
        undo(project, stage)
    with subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run"],
        cwd=project,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as driver:
        deadline = time.monotonic() + 300
        while not stage_processes(project, "evaluate"):
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.5)
        driver.send_signal(signal.SIGINT)
        driver.communicate(timeout=120)
        assert driver.returncode != 0
    assert stage_processes(project, "evaluate") == []
    stages = YAML(typ="safe").load((project / "dvc.lock").read_text())["stages"]
    assert {"split", "bundle"} <= set(stages)
    assert "evaluate" not in stages
    assert wanted_and_stale(Dag(project), None)[1] == ["evaluate", "decide"]
    assert run("-m", "dvc", "repro", "-q", cwd=project).returncode == 0  # no lock is left that would refuse it
    assert "nothing to do" in recops(project, "run").stdout


def test_a_stage_that_crashes_shows_its_last_lines(project):
    path = project / "flows" / "stages" / "decide.py"
    sentence, rest = path.read_text().split("from __future__ import annotations\n", 1)
    crash = 'import os\nprint("the last words", flush=True)\nos._exit(5)\n'
    path.write_text(f"{sentence}from __future__ import annotations\n{crash}{rest}")
    done = recops(project, "run", check=False)
    assert done.returncode == 1
    assert "stage 'decide' ended without a word" in done.stderr.replace("\n", " ")
    assert "the last words" in done.stderr


@pytest.mark.soak
def test_dvc_lock_is_what_dvc_alone_writes(project, tmp_path):
    """The same stages made stale in two copies, run through the flow in one, by `dvc repro` in the other."""
    other = tmp_path / "by_dvc"
    shutil.copytree(project, other, symlinks=True)
    for folder, command in ((project, ("-m", "flows.cli", "run")), (other, ("-m", "dvc", "repro", "-q"))):
        edit_params(folder, {"evaluate.bootstrap": 503})
        run(*command, cwd=folder)
    assert (project / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
