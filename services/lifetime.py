"""Orphans: workers stand in sessions of their own and would outlive a killed server, holding its port."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """SIGTERM for this process (Linux) when `parent`, which started it, ends, however that happens."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it had ended before
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_parent() -> None:
    """The same in a worker process that `bentoml serve` started, which says its parent to nobody."""
    if sys.platform != "linux" or not any("_bentoml_impl.worker" in argument for argument in sys.orig_argv):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:  # it had ended before
        os.kill(os.getpid(), signal.SIGTERM)
