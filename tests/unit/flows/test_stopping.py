"""Ctrl-C ends a command in words and with exit code 130, also where a library swallows or answers it with an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMAND = """
import atexit, sys, time
from flows.cli import app, stopping
from flows.cli.__main__ import main
stopping.PATIENCE_S = stopping.LAST_WORDS_S = 1.0
@app.app.command("wait")
def wait() -> None:
    with stopping.stoppable("nothing lost: `recops wait` waits on"):
        print("waiting", flush=True)
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            {answer}
atexit.register(time.sleep, 60)  # as a library that waits for its server
sys.argv = ["recops", "wait"]
main()
"""


@pytest.mark.parametrize(
    "answer",
    ["raise", "raise ConnectionError('no server') from None", "time.sleep(60)"],
    ids=["passes", "fails", "hangs"],
)
def test_a_stopped_command_says_how_to_go_on(answer: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COMMAND.format(answer=answer)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "waiting\n"
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, written = process.communicate(timeout=50)
    assert process.returncode == 130
    assert written == "stopped, nothing lost: `recops wait` waits on\n"
    assert time.monotonic() - started < 30
