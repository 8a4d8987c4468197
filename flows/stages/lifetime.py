"""A stage has no life of its own after its driver has died, `kill -9` included."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

DRIVERS = ("dvc", "recops", "prefect", "flows", "python")


def die_with_driver() -> None:
    """Ends this process when the driver (DVC, alone or under a flow) is gone.

    A stage that outlived its driver would write beside the copy that the next run starts. DVC starts a stage through a
    shell, so the parent's death says nothing; the shell's own parent is the driver.
    """
    if not Path("/proc").is_dir():
        return
    driver = os.getppid()
    if _is_shell(driver):
        driver = _parent_of(driver)
    if driver <= 1 and not any(name in _words_of(1) for name in DRIVERS):
        os._exit(137)  # it died while this process was starting

    def watch() -> None:
        while Path(f"/proc/{driver}").exists():
            time.sleep(0.1)
        os._exit(137)

    if driver > 1:
        threading.Thread(target=watch, daemon=True).start()


def is_a_stage() -> bool:
    """Whether this is `python -m flows.stages.NAME`, whose packages are imported before the module."""
    return sys.argv[0] == "-m" and any(word.startswith("flows.stages.") for word in sys.orig_argv)


def _is_shell(pid: int) -> bool:
    """Whether a process is the `sh -c` that DVC puts between itself and a stage."""
    words = _words_of(pid).split("\0")
    return len(words) > 2 and Path(words[0]).name in {"sh", "bash", "dash", "zsh"} and words[1] == "-c"


def _words_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
