"""A stage's process: its lines as they come, its exit code, and no life after the run that started it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from flows.project.running.stage_process import run_lines

TELL = "import sys; print('one'); print('two', file=sys.stderr); sys.stdout.write('10 %\\r20 %\\r90 %\\nno end')"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_both_streams_come_line_by_line_and_a_progress_bar_as_its_last_state():
    lines: list[str] = []
    assert run_lines([sys.executable, "-u", "-c", TELL], lines.append) == 0
    assert lines == ["one", "two", "90 %", "no end"]


def test_a_line_comes_when_it_is_written_not_when_the_process_ends():
    started = time.monotonic()
    arrivals: list[float] = []
    run_lines(
        [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(2); print(2)"],
        lambda _: arrivals.append(time.monotonic() - started),
    )
    assert arrivals[1] - arrivals[0] > 1.0


def test_the_exit_code_is_told():
    assert run_lines([sys.executable, "-c", "raise SystemExit(3)"], print) == 3


def test_what_interrupts_the_run_ends_the_process_and_its_children(tmp_path):
    """As Ctrl-C does, which the terminal sends to the run alone."""
    script = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_lines([sys.executable, "-c", script], interrupt)
    deadline = time.monotonic() + 10
    while alive(pids[0]):
        assert time.monotonic() < deadline, "the stage's own child lived on"
        time.sleep(0.05)


def test_a_child_that_outlives_the_stage_does_not_hold_the_run_up():
    script = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)']);"
        "print(child.pid)"
    )
    pids: list[str] = []
    started = time.monotonic()
    assert run_lines([sys.executable, "-c", script], pids.append) == 0
    assert time.monotonic() - started < 20
    os.kill(int(pids[0]), 9)
