"""How a stage starts and ends: telemetry off, exit codes, no life of its own after its driver has died."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from features.errors import RefusedError, UserError
from features.settings import Settings, quiet_telemetry

LAST_ERROR = Path(".dvc/tmp/recops-stage-error.txt")


def stage(main: Callable[[], None]) -> None:
    """Runs `main`, ends the process: 0 done, 1 the answer is no, 2 the caller's mistake (a paragraph, no traceback)."""
    quiet_telemetry(Settings())
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait halve a shared machine
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for ours in ("__main__", "features", "models", "flows"):
        logging.getLogger(ours).setLevel(logging.INFO)
    _die_with_driver()
    try:
        main()
    except UserError as error:
        _end(2, str(error))
    except RefusedError as error:
        _end(1, str(error))


def _end(code: int, message: str) -> NoReturn:
    """Says why on the terminal, and to the flow that may be waiting (the state of its task carries the sentence)."""
    sys.stderr.write(f"{message}\n")
    if LAST_ERROR.parent.is_dir():
        LAST_ERROR.write_text(f"{code}\n{message}\n", encoding="utf-8")
    sys.exit(code)


def _die_with_driver() -> None:
    """Ends this process when the driver (DVC, alone or under a flow) is gone, `kill -9` included.

    A stage that outlived its driver would write beside the copy that the next run starts.
    """
    driver = os.getppid()
    if _is_shell(driver):
        driver = _parent_of(driver)
    if driver <= 1:
        return

    def watch() -> None:
        while Path(f"/proc/{driver}").exists():
            time.sleep(0.1)
        os._exit(137)

    if Path("/proc").is_dir():
        threading.Thread(target=watch, daemon=True).start()


def _is_shell(pid: int) -> bool:
    """Whether a process is the `sh -c` that DVC puts between itself and a stage."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return len(words) > 2 and Path(words[0].decode()).name in {"sh", "bash", "dash", "zsh"} and words[1] == b"-c"


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
