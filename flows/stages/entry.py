"""How a stage starts and ends: telemetry off, quiet libraries, exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from features.errors import RefusedError, UserError
from features.telemetry import quiet_telemetry

LAST_ERROR = Path(".dvc/tmp/recops-stage-error.txt")


def stage(main: Callable[[], None]) -> None:
    """Runs `main`, ends the process: 0 done, 1 refused, 2 the caller's mistake (a paragraph, no traceback)."""
    quiet_telemetry()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait halve a shared machine
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for ours in ("__main__", "features", "models", "flows"):
        logging.getLogger(ours).setLevel(logging.INFO)
    try:
        main()
    except UserError as error:
        _end(2, str(error))
    except RefusedError as error:
        _end(1, str(error))


def _end(code: int, message: str) -> NoReturn:
    """Writes the reason to the terminal, and to a file for the flow that may have started the stage."""
    sys.stderr.write(f"{message}\n")
    if LAST_ERROR.parent.is_dir():
        LAST_ERROR.write_text(f"{code}\n{message}\n", encoding="utf-8")
    sys.exit(code)
