"""Orphans: BentoML's workers stand in sessions of their own and would outlive a killed server, holding its port."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In a worker process (Linux): SIGTERM when the process that started it ends, however that happens."""
    if sys.platform != "linux" or not any("_bentoml_impl.worker" in argument for argument in sys.orig_argv):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:  # it had ended before
        os.kill(os.getpid(), signal.SIGTERM)
