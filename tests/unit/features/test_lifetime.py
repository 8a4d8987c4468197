"""A process ends with the one that it works for, in a container too, where that one may be process 1."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
CHILD = """
import os, time
from features.resilience.lifetime import {call}
{call}({arguments})
print("alive", flush=True)
time.sleep({seconds})
"""
PARENT = """
import subprocess, time
print(subprocess.Popen({command!r}).pid, flush=True)
time.sleep(60)
"""
FIRST = """
import subprocess
done = subprocess.run({command!r}, capture_output=True, text=True)
print(done.returncode, done.stdout, end="")
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's end")


def child(call: str, arguments: str = "", seconds: int = 60) -> list[str]:
    return [sys.executable, "-c", CHILD.format(call=call, arguments=arguments, seconds=seconds)]


def ended(process: int, within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("call", ["end_with_parent", "end_with", "exit_when_gone"])
def test_it_ends_when_the_other_is_killed(call):
    """A parent that starts a child, is killed by SIGKILL, and leaves nothing behind."""
    starts = PARENT.format(command=child(call, "" if call == "end_with_parent" else "os.getppid()"))
    with subprocess.Popen([sys.executable, "-c", starts], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        lines = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
        (started,) = (int(line) for line in lines - {"alive"})
        assert not ended(started, 0.3)
        parent.send_signal(signal.SIGKILL)
        assert ended(started)


def test_a_parent_that_had_ended_before_is_noticed():
    done = subprocess.run(child("end_with", "1"), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


def test_it_lives_while_the_other_does():
    done = subprocess.run(
        child("end_with", str(os.getpid()), seconds=0), cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "alive\n")


@pytest.mark.parametrize(("program", "outcome"), [("python", "0 alive\n"), ("bentoml", "-15 ")])
def test_process_1_is_the_parent_where_it_is_the_program_that_starts_others(program, outcome):
    """In a container `bentoml serve` is process 1, and its workers have lost nobody."""
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode:
        pytest.skip("no process namespaces here")
    named = f"{program[0]!r} + {program[1:]!r}"  # whole, it would stand in the command line of process 1
    starts = FIRST.format(command=child("end_with_parent", named, seconds=0))
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", starts], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == (outcome, "")
