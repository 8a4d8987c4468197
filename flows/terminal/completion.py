"""What the shell's Tab key offers for values: stages, parts, sources and releases of the project."""

from __future__ import annotations

import os
from pathlib import Path

from features.errors import UserError
from features.settings import read_settings


def stage_names(incomplete: str) -> list[str]:
    """Stages and families of stages of dvc.yaml."""
    return _names_in("dvc.yaml", "stages", incomplete)


def retriever_names(incomplete: str) -> list[str]:
    """Retrievers that params.yaml uses."""
    return _names_in("params.yaml", "retrievers", incomplete)


def part_names(incomplete: str) -> list[str]:
    """Parts that a language model can be asked for."""
    from models.language.tasks import TASKS

    return [name for name in (*TASKS, "vectors") if name.startswith(incomplete)]


def source_names(incomplete: str) -> list[str]:
    """Sources that can be imported."""
    from features.sources import SOURCES

    return [name for name in SOURCES if name.startswith(incomplete)]


def release_ids(incomplete: str) -> list[str]:
    """Recorded releases, newest first."""
    try:
        os.chdir(_root())
        folders = sorted(read_settings().home.glob("releases/*/release.json"), reverse=True)
    except UserError:
        return []
    return [path.parent.name for path in folders if path.parent.name.startswith(incomplete)]


def _names_in(file: str, section: str, incomplete: str) -> list[str]:
    """Keys of a section of one of the project's files that begin with what was typed."""
    from features.params import read_params

    try:
        names = read_params(_root() / file).get(section) or {}
    except UserError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def _root() -> Path:
    from flows.project.dag import project_root

    return project_root(Path.cwd())
