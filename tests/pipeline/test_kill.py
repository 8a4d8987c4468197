"""`kill -9` while a stage writes, then run again: the same bundle as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support.workspace import bundle_hash, copy_workspace, environment, recops, run, stages_run

EVERYDAY = ["clean"]  # the others are soak


def stage_outs(folder: Path) -> dict[str, list[str]]:
    """Name → paths that it writes, in the order of the finished project's dvc.lock."""
    lock = YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"]
    return {name: [out["path"] for out in body.get("outs", [])] for name, body in lock.items()}


def undo(folder: Path, stage: str) -> None:
    """As if `stage` had never run: no outs, no lock entry, no run cache. What follows it stays, and stays up to date
    only if the stage gives the same bytes again."""
    path = folder / "dvc.lock"
    lock = YAML(typ="safe").load(path.read_text())
    for out in lock["stages"].pop(stage).get("outs", []):
        target = folder / out["path"]
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    with path.open("w") as file:
        YAML(typ="safe").dump(lock, file)
    shutil.rmtree(folder / ".dvc" / "cache" / "runs", ignore_errors=True)


def stage_processes(folder: Path, stage: str) -> list[int]:
    """Living processes of one stage in this project."""
    module = f"flows.stages.{'train_retriever' if 'retriever@' in stage else stage}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if module in (path / "cmdline").read_bytes() and (path / "cwd").resolve() == folder.resolve():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def run_and_kill(folder: Path, stage: str, whole_group: bool) -> None:
    """Starts `recops run` and kills it when the first output of `stage` appears."""
    outs = [folder / out for out in stage_outs_before[stage]]
    with subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as driver:
        deadline = time.monotonic() + 180
        while not any(out.is_file() or (out.is_dir() and any(out.iterdir())) for out in outs):
            assert driver.poll() is None, f"the run ended before {stage} wrote anything"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        if whole_group:
            os.killpg(driver.pid, signal.SIGKILL)
        else:
            driver.kill()


stage_outs_before: dict[str, list[str]] = {}


def kill_point(finished: Path, folder: Path, stage: str, whole_group: bool) -> None:
    stage_outs_before.update(stage_outs(finished))
    copy_workspace(finished, folder)
    undo(folder, stage)
    run_and_kill(folder, stage, whole_group)
    ran = stages_run(recops(folder, "run").stderr)
    assert len(ran) == 1, ran  # the same bytes: nothing behind it is stale
    assert bundle_hash(folder) == bundle_hash(finished)
    assert "up to date" in run("-m", "dvc", "status", cwd=folder).stdout
    assert stage_processes(folder, stage) == []


@pytest.mark.parametrize("stage", EVERYDAY)
def test_a_killed_stage_is_made_good_by_the_next_run(finished_project, tmp_path, stage):
    kill_point(finished_project, tmp_path / "project", stage, whole_group=False)


@pytest.mark.soak
@pytest.mark.parametrize("whole_group", [False, True], ids=["driver", "driver and stage"])
def test_every_stage_survives_a_kill(finished_project, tmp_path, whole_group):
    for number, stage in enumerate(stage_outs(finished_project)):
        kill_point(finished_project, tmp_path / f"project{number}", stage, whole_group)
        shutil.rmtree(tmp_path / f"project{number}")


@pytest.mark.parametrize("pause", [0.0, 0.2, 1.0])  # while it starts, while it imports, while it works
def test_a_stage_dies_with_its_driver(finished_project, tmp_path, pause):
    folder = copy_workspace(finished_project, tmp_path / "project")
    undo(folder, "embed")
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "-q", "embed"],
        cwd=folder,
        env=environment(folder),
        start_new_session=True,
    ) as driver:
        deadline = time.monotonic() + 60
        while not stage_processes(folder, "embed"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(pause)
        driver.kill()
    deadline = time.monotonic() + 10
    while stage_processes(folder, "embed"):
        assert time.monotonic() < deadline, "the stage lived on without its driver"
        time.sleep(0.05)


def test_half_a_lock_file_is_mended(finished_project, tmp_path):
    folder = copy_workspace(finished_project, tmp_path / "project")
    text = (folder / "dvc.lock").read_text()
    (folder / ".dvc" / "tmp" / "recops-dvc.lock").write_text(text)
    (folder / "dvc.lock").write_text(text[: len(text) // 2] + "\n  - {")
    assert "nothing to do" in recops(folder, "run").stdout
