"""How a stage starts and ends: telemetry off, exit codes, no life of its own after its driver has died."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from features.errors import RefusedError, UserError
from features.settings import Settings, quiet_telemetry

DRIVER = "RECOPS_DRIVER_PID"


def stage(main: Callable[[], None]) -> None:
    """Runs `main` and ends the process: 0 done, 1 the answer is no, 2 the caller's mistake (one paragraph, no traceback)."""
    quiet_telemetry(Settings())
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s", stream=sys.stderr)
    _die_with_driver()
    try:
        main()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _die_with_driver() -> None:
    """Ends this process when the driver is gone: a killed driver must not leave a second writer behind.

    DVC starts a stage through a shell, so the parent's death says nothing; the driver hands down its own number.
    """
    driver = int(os.environ.get(DRIVER) or 0)
    if not driver:
        return

    def watch() -> None:
        while Path(f"/proc/{driver}").exists() or not Path("/proc").exists():
            time.sleep(0.1)
        os._exit(137)

    threading.Thread(target=watch, daemon=True).start()
