"""The installation: Python, packages against requirements.lock, git, DVC, the disk."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from features.settings import Settings
from flows.health.findings import Finding
from flows.project.dataset import Project
from flows.project.provenance import git_state
from flows.project.under_dvc import open_repo

LOCK = "requirements.lock"
LEAST_FREE_GB = 2.0  # a default run writes some hundred MB, a Bento as much again
SHOWN = 5


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    yield Finding("python", "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")


def check_packages(project: Project) -> Iterator[Finding]:
    """Installed packages against what the lock pins, and against what recops itself asks for."""
    from packaging.requirements import Requirement

    lock = project.root / LOCK
    if lock.is_file():
        lines = [line.partition("#")[0].strip() for line in lock.read_text(encoding="utf-8").splitlines()]
        remedy = f"run `make install`, or `pip install -r {LOCK}` into this environment."
        source = LOCK
    else:
        lines = [line for line in requires("recops") or [] if "extra ==" not in line]
        remedy, source = "install recops again into this environment.", "recops' own list"
    faults, n_checked = [], 0
    for requirement in (Requirement(line) for line in lines if line and not line.startswith("-")):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        n_checked += 1
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            faults.append(f"{requirement.name} is {installed}, expected {requirement.specifier}")
    if not faults:
        yield Finding("packages", "ok", f"{n_checked} packages are as {source} says")
        return
    more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    yield Finding("packages", "wrong", f"{'; '.join(faults[:SHOWN])}{more} ({source})", remedy)


def check_git(project: Project) -> Iterator[Finding]:
    """Whether results can be traced to a commit."""
    if shutil.which("git") is None:
        yield Finding("git", "note", "git is not installed", "install it to version params, code and .dvc files.")
        return
    state = git_state(project.root)
    if state.commit is None:
        yield Finding("git", "note", "this is no git repository", "run `git init` to version params and .dvc files.")
    elif state.dirty:
        what = f"commit {state.commit[:12]}, with changes that are not committed"
        yield Finding("git", "note", what, "commit dvc.lock, params.yaml and data/reports after a run you keep.")
    else:
        yield Finding("git", "ok", f"commit {state.commit[:12]}, nothing to commit")


def check_dvc(project: Project) -> Iterator[Finding]:
    """DVC opens the project; where its cache and its remotes are."""
    with open_repo(project.root) as repo:
        remotes = sorted(repo.config.get("remote") or {})
        cache = Path(repo.cache.local.path)
    where = cache.relative_to(project.root) if cache.is_relative_to(project.root) else cache
    yield Finding("dvc", "ok", f"DVC {version('dvc')}, cache in {where}")
    if not remotes:
        yield Finding(
            "dvc",
            "note",
            "no DVC remote: data and models are on this disk alone",
            "add one: `dvc remote add -d NAME URL`.",
        )


def check_disk(project: Project, settings: Settings) -> Iterator[Finding]:
    """Free space of the project's and the home's disk, and whether the home can be written."""
    home = settings.home
    existing = next(folder for folder in (home, *home.parents) if folder.is_dir())
    for folder, name in {project.root: "the project", existing: f"RECOPS_HOME {home}"}.items():
        free_gb = shutil.disk_usage(folder).free / 1e9
        if free_gb < LEAST_FREE_GB:
            remedy = "free space: `recops gc`, then `dvc gc --workspace`."
            yield Finding("disk", "wrong", f"only {free_gb:.1f} GB are free for {name}", remedy)
        else:
            yield Finding("disk", "ok", f"{free_gb:,.0f} GB are free for {name}")
    if not _writable(existing):
        yield Finding("disk", "wrong", f"RECOPS_HOME {home} cannot be written", "set it to a folder of this user.")


def _writable(folder: Path) -> bool:
    import os

    return os.access(folder, os.W_OK | os.X_OK)
