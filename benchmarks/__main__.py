"""`make bench`: every benchmark that stands beside this file, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAMS = (
    "feature_join",
    "retrieval",
    "reasons",
    "ranking_kernels",
    "serving",
    "peers",
    "new_items",
    "encoders",
    "streams",
    "chat",
)


def main() -> int:
    """Runs them all; the number of those that failed."""
    failed = 0
    for name in PROGRAMS:
        print(f"── benchmarks.{name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, cwd=Path(__file__).parent.parent, check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
