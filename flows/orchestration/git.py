"""Git, asked from outside: what a command prints, or nothing where there is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TIMEOUT_S = 60


def git(folder: Path, *arguments: str, timeout_s: float = TIMEOUT_S) -> str | None:
    """What git prints; None where there is no git, no repository, or it refuses (another user's folder)."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
