"""A project folder of a test's own: the code and the DAG copied, a small simulated world, DVC without git."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from features.settings import Settings
from features.telemetry import TELEMETRY_OFF
from flows.project.dataset import Project
from flows.project.resolve import refresh_resolved

ROOT = Path(__file__).parents[2]
CODE = ("features", "models", "services", "flows")
TEST_SERVER = "TESTS_PREFECT_API"  # address of a Prefect server for all tests: a flow without one starts its own, 15 s
SMALL_WORLD = {"n_users": 250, "n_items": 120}
DVC_CONFIG = "[core]\n    no_scm = True\n    analytics = false\n"  # as `dvc init --no-scm` writes it, in half a second
LEFT_OUT = ("als", "cold_items", "graph", "markov", "sequence", "social")  # each costs two processes, some compile


def make_workspace(folder: Path, changes: dict | None = None, *, every_retriever: bool = False) -> Path:
    """A fresh project in `folder` on a small simulated world, nothing run yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in CODE:
        shutil.copytree(ROOT / package, folder / package)  # with what Python and numba compiled of it: times stay
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", "pyproject.toml", "prefect.yaml", "bentofile.yaml"):
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "data" / "initial", folder / "data" / "initial")
    small = {"profile": "quick", "source.simulator": SMALL_WORLD, "build_features.leak_samples": 200}
    small |= {} if every_retriever else {f"retrievers.{name}": None for name in LEFT_OUT}
    edit_params(folder, small | (changes or {}))
    refresh_resolved(Project(folder), Settings(encoder=""))  # what this machine chooses: `dvc repro` runs on any
    shutil.copytree(ROOT / ".dvc" / "plots", folder / ".dvc" / "plots")
    (folder / ".dvc" / "tmp").mkdir()
    (folder / ".dvc" / "config").write_text(DVC_CONFIG)
    return folder


def copy_workspace(source: Path, target: Path) -> Path:
    """A copy of a project with its DVC cache, as if it had been made there."""
    shutil.copytree(source, target, symlinks=True)
    return target


def edit_params(folder: Path, changes: dict) -> None:
    """Sets values in params.yaml; a dictionary is merged into the section that is there, None deletes the key."""
    yaml = YAML()
    path = folder / "params.yaml"
    loaded = yaml.load(path.read_text())
    for where, value in changes.items():
        *parents, last = where.split(".")
        place = loaded
        for part in parents:
            place = place.setdefault(part, {})
        if value is None:
            del place[last]
        elif isinstance(value, dict) and isinstance(place.get(last), dict):
            place[last].update(value)
        else:
            place[last] = value
    with path.open("w") as file:
        yaml.dump(loaded, file)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a child process gets: state inside the project; of servers only the one that the tests started."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "RECOPS_"))}
    for kept in ("RECOPS_BENCH", "RECOPS_DATA_CACHE", "RECOPS_REQUIRE_SERVICES"):
        if kept in os.environ:
            env[kept] = os.environ[kept]
    if TEST_SERVER in os.environ:
        env["PREFECT_API_URL"] = os.environ[TEST_SERVER]
    env |= TELEMETRY_OFF
    env |= {"RECOPS_HOME": str(folder / ".recops"), "PREFECT_HOME": str(folder / ".recops" / "prefect")}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"}
    return env | more


def run(
    *arguments: str, cwd: Path, check: bool = True, timeout: float = 600, **env: str
) -> subprocess.CompletedProcess:
    """`python …` in a project; its output is in the error when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(cwd, **env),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if check and done.returncode:
        raise AssertionError(f"{arguments} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return done


def recops(folder: Path, *arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess:
    """The `recops` command in a project."""
    return run("-m", "flows.cli", *arguments, cwd=folder, check=check, **env)


def stages_run(progress: str) -> list[str]:
    """Names of the stages that `recops run` names as run, in order; progress: what it wrote to standard error."""
    return re.findall(r"^✓ \[ *\d+/\d+\] (\S+)", progress, re.MULTILINE)


def bundle_hash(folder: Path) -> str:
    return json.loads((folder / "data" / "bundle" / "manifest.json").read_text())["hash"]
