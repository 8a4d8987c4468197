"""The goal of a run: whether the stage at which it is to stop exists."""

from __future__ import annotations

from features.errors import UserError
from features.params import read_params
from flows.preflight.mistakes import rename
from flows.project.dag import DVC_FILE
from flows.project.dataset import Project


def check_until(project: Project, until: str) -> None:
    """Passes when dvc.yaml has such a stage, or such a family of stages.

    Raises:
        UserError: it has none; names the one that was probably meant.
    """
    stages = read_params(project.root / DVC_FILE).get("stages") or {}
    family, at, instance = until.partition("@")
    retrievers = project.params().get("retrievers") or {}
    if family not in stages:
        raise UserError(f"--until {until}: there is no stage '{family}'; {rename(family, stages, 'name another one')}")
    if at and instance not in retrievers:
        remedy = rename(instance, retrievers, "name another one")
        raise UserError(f"--until {until}: no stage of '{family}' is called '{instance}'; {remedy}")
