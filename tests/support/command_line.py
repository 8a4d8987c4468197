"""`recops` in this process: for commands that end before anything heavy is imported, at a twentieth of the time."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch


@dataclass(frozen=True)
class Ended:
    """As `subprocess.CompletedProcess` names it."""

    returncode: int
    stdout: str
    stderr: str


def recops_here(folder: Path, *arguments: str) -> Ended:
    """The command in a project whose home is inside it, with no other setting of ours."""
    from flows.cli.__main__ import main

    out, err = io.StringIO(), io.StringIO()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOPS_")}
    code: object = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, kept | {"RECOPS_HOME": str(folder / ".recops")}, clear=True))
        stack.enter_context(patch.object(sys, "argv", ["recops", *arguments]))
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Ended(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())
