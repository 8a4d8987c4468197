"""Shared metric files of the workers: in memory, with reserved space, so that a full disk ends no worker.

prometheus_client maps a file of each worker into memory. Where such a file gets no space, the write to it ends the
process by SIGBUS; so they do not stand under RECOPS_HOME, and a worker reserves their space before they are mapped.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own; a server sets it for its workers
MEMORY = Path("/dev/shm")  # noqa: S108
RESERVED = 256 << 10  # bytes a file; all labels that there can be take less than half of it (a test counts)
KINDS = ("counter", "histogram", "gauge_mostrecent", "gauge_all", "gauge_liveall", "gauge_livesum")  # ours and Feast's


def choose_folder() -> None:
    """Tells `bentoml serve`, if this process becomes one, where to make its workers' folder; it goes when it ends."""
    from bentoml._internal.configuration.containers import BentoMLContainer

    base = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    folder = base / f"recops-metrics-{os.getuid()}-{secrets.token_hex(8)}"
    BentoMLContainer.prometheus_multiproc_dir.set(str(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def reserve_files() -> None:
    """In a worker, before the first metric: space for its files, or else metrics of this process alone."""
    if VARIABLE not in os.environ:
        return
    folder = Path(os.environ[VARIABLE])
    try:
        for kind in KINDS:
            with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVED)
    except OSError as error:
        from prometheus_client import values

        logger.warning("%s: no space for metrics (%s); each worker counts for itself", folder, error.strerror)
        values.ValueClass = values.MutexValue
