"""A stage's process: runs the command for DVC, passes its output on line by line, and ends with the run."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

OnLine = Callable[[str], None]
GRACE_S = 5.0  # between SIGTERM and SIGKILL
POLL_S = 0.2


@contextmanager
def lines_to(on_line: OnLine) -> Iterator[None]:
    """Within the block DVC hands each line of a stage's output to `on_line`, in this thread.

    DVC has no hook for the output of a command: the one function that starts it is replaced.
    """
    import dvc.stage.run

    def run_command(executable: str | None, command: str, **process: Any) -> None:
        from dvc.stage.exceptions import StageCmdFailedError

        returncode = run_lines(dvc.stage.run._make_cmd(executable, command), on_line, **process)
        if returncode:
            raise StageCmdFailedError(command, returncode)

    kept = dvc.stage.run._run
    dvc.stage.run._run = run_command
    try:
        yield
    finally:
        dvc.stage.run._run = kept


def run_lines(command: str | list[str], on_line: OnLine, **process: Any) -> int:
    """Runs a command and hands each line of its output and errors to `on_line`; its exit code.

    It has a process group of its own: Ctrl-C reaches only us, and whatever ends this call early (an interrupt, a time
    limit) ends the command and its children. A child of its own that outlives it is not waited for.
    """
    started = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0, **process
    )
    try:
        assert started.stdout is not None
        with started.stdout as output:
            for line in _lines(started, output.fileno()):
                on_line(line)
        return started.wait()
    except BaseException:
        _end_group(started)
        raise


def _lines(started: subprocess.Popen[bytes], descriptor: int) -> Iterator[str]:
    rest = b""
    while True:
        over = started.poll() is not None  # asked first: what it wrote before its end is read below
        readable, _, _ = select.select([descriptor], [], [], 0 if over else POLL_S)
        chunk = os.read(descriptor, 65536) if readable else b""
        if readable and not chunk or over and not readable:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(_text, lines)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    """A line as a terminal would leave it: of a progress bar, which draws over itself, its last state."""
    return line.decode("utf-8", errors="replace").rstrip("\r").rpartition("\r")[2]


def _end_group(started: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
