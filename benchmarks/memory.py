"""Peak memory and time of each stage on made clicks of a given size.

    python -m benchmarks.memory FOLDER [--users 22363 --rows 198502 --items 12101] [--profile quick] [--from retrieve]

FOLDER becomes a project; with `--from` its stages before that one are taken as they are. A stage that holds more than
`--limit-gb` is ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from tests.support.made_clicks import write_clicks
from tests.support.workspace import environment, make_workspace, recops

GB = 1e9
CODE = ("features", "models", "services", "flows")


@dataclass(frozen=True)
class Peak:
    """What one stage took; returncode: of its process, negative where a signal ended it."""

    stage: str
    gigabytes: float
    seconds: float
    returncode: int


def make_project(folder: Path, *, n_users: int, n_rows: int, n_items: int, profile: str) -> Path:
    """A project with made clicks imported, nothing run yet."""
    make_workspace(folder, {"profile": profile}, every_retriever=True)
    clicks = write_clicks(folder / "clicks", n_users=n_users, n_rows=n_rows, n_items=n_items)
    recops(folder, "data", "import", "parquet", "--path", str(clicks))
    return folder


def with_code_of(folder: Path, checkout: Path) -> None:
    """Puts the packages of a checkout in place of the project's."""
    for package in CODE:
        shutil.rmtree(folder / package)
        shutil.copytree(checkout / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))


def commands(folder: Path) -> dict[str, str]:
    """Stage → its command, in the order of dvc.yaml, a matrix written out."""
    yaml = YAML(typ="safe")
    stages = yaml.load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    retrievers = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))["retrievers"]
    lines: dict[str, str] = {}
    for name, stage in stages.items():
        if "foreach" in stage:
            lines |= {f"{name}@{key}": stage["do"]["cmd"].replace("${key}", key) for key in retrievers}
        else:
            lines[name] = stage["cmd"]
    return lines


def run_stage(folder: Path, name: str, command: str, limit_gb: float) -> Peak:
    """Runs a stage in a process of its own; its output goes to FOLDER/logs."""
    log = folder / "logs" / f"{name}.txt"
    log.parent.mkdir(exist_ok=True)
    started = time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *command.split()[1:]], cwd=folder, env=environment(folder), stdout=file, stderr=file
        )
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if resident_gb(process.pid) > limit_gb:
                process.kill()
            time.sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Peak(name, usage.ru_maxrss * 1024 / GB, time.monotonic() - started, process.returncode)


def resident_gb(pid: int) -> float:
    """What a process holds now, 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / GB


def main() -> int:
    """Prints a line for each stage; 1 when one failed."""
    parser = argparse.ArgumentParser(description="Peak memory and time of each stage on made clicks.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--users", type=int, default=22_363)
    parser.add_argument("--rows", type=int, default=198_502)
    parser.add_argument("--items", type=int, default=12_101)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--from", dest="first", default=None, help="the first stage to run")
    parser.add_argument("--to", dest="last", default="evaluate", help="the last stage to run")
    parser.add_argument("--limit-gb", type=float, default=12.0)
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    if arguments.first is None:
        size = {"n_users": arguments.users, "n_rows": arguments.rows, "n_items": arguments.items}
        make_project(folder, **size, profile=arguments.profile)
    else:
        with_code_of(folder, Path(__file__).parents[1])
    lines = commands(folder)
    names = list(lines)
    first = names.index(arguments.first) if arguments.first else 0
    for name in names[first : names.index(arguments.last) + 1]:
        peak = run_stage(folder, name, lines[name], arguments.limit_gb)
        print(f"{name:<28} {peak.gigabytes:6.2f} GB {peak.seconds:8.1f} s", flush=True)
        if peak.returncode:
            print(f"{name} ended with {peak.returncode}: {folder / 'logs' / name}.txt", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
