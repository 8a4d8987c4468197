"""Stage lifetime: a stage ends when its driver is gone, `kill -9` included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from features.resilience.lifetime import KILLED, command_line, exit_when_gone, is_orphan, parent_of

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
        driver = parent_of(driver)
    if is_orphan(driver, *DRIVERS):
        os._exit(KILLED)  # the driver died while this process was starting
    if driver > 1:
        exit_when_gone(driver)


def is_a_stage() -> bool:
    """Whether this is `python -m flows.stages.NAME`, whose packages are imported before the module."""
    return sys.argv[0] == "-m" and any(word.startswith("flows.stages.") for word in sys.orig_argv)


def _is_shell(process: int) -> bool:
    """Whether a process is the `sh -c` that DVC puts between itself and a stage."""
    words = command_line(process).split("\0")
    return len(words) > 2 and Path(words[0]).name in {"sh", "bash", "dash", "zsh"} and words[1] == "-c"
