"""Process lifetime: a child process ends when the process it works for is gone, `kill -9` included."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
KILLED = 137  # exit code of a process that ended because another one was killed


def end_with(parent: int) -> None:
    """SIGTERM for this process (Linux) when `parent`, which started it, ends, however that happens."""
    if sys.platform == "linux":
        _signal_when_parent_ends()
        if os.getppid() != parent:  # it had ended before
            os.kill(os.getpid(), signal.SIGTERM)


def end_with_parent(*programs: str) -> None:
    """As `end_with`, for a process that does not know its parent's id; programs: see `is_orphan`."""
    if sys.platform == "linux":
        _signal_when_parent_ends()
        if is_orphan(os.getppid(), *programs):
            os.kill(os.getpid(), signal.SIGTERM)


def exit_when_gone(process: int) -> None:
    """Ends this process at once, without any clean-up, when another one is gone: one that need not be its parent.

    Looks ten times a second, in a thread of its own; needs /proc.
    """

    def watch() -> None:
        while is_alive(process):
            time.sleep(0.1)
        os._exit(KILLED)

    threading.Thread(target=watch, daemon=True).start()


def is_orphan(parent: int, *programs: str) -> bool:
    """Whether a process with this parent has lost the one that started it: process 1 adopts it then.

    programs: words of the command line of whoever may have started it; in a container that may be process 1 itself.
    """
    return parent <= 1 and not any(program in command_line(1) for program in programs)


def command_line(process: int) -> str:
    """Program and arguments, each ended by a null character; empty where the process is gone or there is no /proc."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    return _state(process)[0] not in ("", "Z", "X")


def parent_of(process: int) -> int:
    """The parent's id; 0 where the process is gone or there is no /proc."""
    return _state(process)[1]


def _state(process: int) -> tuple[str, int]:
    """The letter for its state and its parent's id; "" and 0 where the process is gone or there is no /proc."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except (OSError, ValueError, IndexError):
        return "", 0


def _signal_when_parent_ends() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
