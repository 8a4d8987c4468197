"""Time limits: what takes longer is ended with its processes; the error names the limit and how to raise it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import RefusedError
from flows.orchestration.processes import descendants

GRACE_S = 10.0  # between asking a process to end and forcing it
POLL_S = 0.2
BACKSTOP_S = 60.0  # Prefect's own timeout, which can interrupt Python code only, comes so much later


class TimeLimitError(RefusedError):
    """A task or a flow took longer than its limit."""


@contextmanager
def time_limit(what: str, seconds: float, setting: str, *, grace_s: float = GRACE_S) -> Iterator[None]:
    """Ends the processes that the block starts when it takes longer than `seconds`.

    A block that waits for a process (a stage, a build) goes on as soon as that has ended, and its error is replaced by
    ours. Python code of this process is not interrupted here: `timeout_seconds` of the flow or task does that.

    what: of which the sentence speaks, e.g. "stage embed"; setting: the environment variable that raises the limit.

    Raises:
        TimeLimitError: the block failed after its time was over.
    """
    spared = set(descendants(os.getpid()))  # Prefect's own server, if this process has one, goes on
    expired, finished = threading.Event(), threading.Event()

    def watch() -> None:
        if finished.wait(seconds):
            return
        expired.set()
        asked_at: dict[int, float] = {}  # pid → when it was asked to end; what starts later is ended too
        while not finished.wait(POLL_S):
            for pid in set(descendants(os.getpid())) - spared:
                since = asked_at.setdefault(pid, time.monotonic())
                forced = time.monotonic() - since >= grace_s
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if forced else signal.SIGTERM)

    watcher = threading.Thread(target=watch, daemon=True, name=f"time limit of {what}")
    watcher.start()
    try:
        yield
    except BaseException as error:
        if not expired.is_set():
            raise
        raise TimeLimitError(
            f"{what} took longer than its time limit of {seconds:g} s and was ended, with the processes that it had "
            f"started. If it hangs, its last lines say where; if it needs longer, set {setting} to more seconds and "
            "start the run again: what had finished stays"
        ) from error
    finally:
        finished.set()
        watcher.join()
