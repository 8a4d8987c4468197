"""A stage ends with its driver, though a shell stands between the two."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.resilience.lifetime import is_alive

ROOT = Path(__file__).parents[3]
STAGE = """
import os, time
from flows.stages.lifetime import die_with_driver
die_with_driver()
print(os.getpid(), flush=True)
time.sleep(60)
"""
DRIVER = """
import subprocess, time
subprocess.Popen(["sh", "-c", {command!r}])
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="a stage watches its driver in /proc")
def test_a_stage_ends_when_its_driver_is_killed(tmp_path):
    (tmp_path / "stage.py").write_text(STAGE)
    command = f"PYTHONPATH={ROOT} {sys.executable} {tmp_path / 'stage.py'}; true"  # `; true`: the shell stays
    driver = [sys.executable, "-c", DRIVER.format(command=command)]
    with subprocess.Popen(driver, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        stage = int(process.stdout.readline())
        time.sleep(0.3)
        assert is_alive(stage)
        process.kill()
        deadline = time.monotonic() + 20
        while is_alive(stage) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_alive(stage)
