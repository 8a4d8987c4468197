"""Time limits: what hangs is ended with its processes, and the sentence says which limit and how to raise it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from flows.orchestration.limits import TimeLimitError, time_limit
from flows.orchestration.processes import descendants
from tests.support.waiting import wait_for

HANGS = [sys.executable, "-c", "import time; time.sleep(600)"]
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
)


def test_a_hung_process_is_ended_and_the_sentence_names_the_limit_and_the_setting():
    began, before = time.monotonic(), set(descendants(os.getpid()))  # libraries of other tests may have theirs
    with pytest.raises(TimeLimitError) as error, time_limit("stage embed", 0.5, "RECOPS_TASK_TIMEOUT_S"):
        subprocess.run(HANGS, check=True)
    assert time.monotonic() - began < 30
    message = str(error.value)
    assert "stage embed took longer than its time limit of 0.5 s" in message
    assert "set RECOPS_TASK_TIMEOUT_S to more seconds" in message
    assert set(descendants(os.getpid())) <= before


def test_its_children_end_with_it():
    before = set(descendants(os.getpid()))
    sleeps = f"{sys.executable} -c 'import time; time.sleep(600)'"
    with pytest.raises(TimeLimitError), time_limit("stage", 1.0, "X"):
        subprocess.run(["sh", "-c", f"{sleeps} & {sleeps}; exit 3"], check=True)
    assert wait_for(lambda: set(descendants(os.getpid())) <= before, 10)


def test_one_that_does_not_listen_is_forced():
    with pytest.raises(TimeLimitError), time_limit("stage", 2.0, "X", grace_s=0.5):
        subprocess.run([sys.executable, "-c", IGNORES_SIGTERM], check=True, stdout=subprocess.DEVNULL)


def test_a_process_that_was_there_before_goes_on():
    before = subprocess.Popen(HANGS)
    try:
        with pytest.raises(TimeLimitError), time_limit("stage", 0.5, "X"):
            subprocess.run(HANGS, check=True)
        assert before.poll() is None
    finally:
        before.kill()
        before.wait()


def test_what_ends_in_time_is_left_alone():
    with time_limit("stage", 60, "X"):
        value = subprocess.run([sys.executable, "-c", "print(1)"], check=True, capture_output=True).stdout
    assert value == b"1\n"


def test_an_error_within_the_time_stays_as_it_is():
    with pytest.raises(ValueError, match="mine"), time_limit("stage", 60, "X"):
        raise ValueError("mine")
