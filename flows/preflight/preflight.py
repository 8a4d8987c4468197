"""Preflight: params.yaml and its inputs checked in under two seconds, all mistakes at once, before anything is run."""

from __future__ import annotations

import re
from typing import Any

from features.errors import UserError
from features.params import PROFILES, _chosen
from features.renamed_params import hint, unseen_by_dvc
from features.settings import Settings
from flows.preflight.mistakes import Mistake, rename, report
from flows.preflight.params_text import ParamsText, UnreadableError
from flows.project.dataset import Project


def preflight(project: Project, settings: Settings) -> None:
    """Passes when params.yaml fits its classes and its inputs are there.

    Loads the modules of the params and of the parts in use, no network, and neither torch nor LightGBM.

    Raises:
        UserError: all mistakes, a paragraph each.
    """
    mistakes = find_mistakes(project, settings)
    if mistakes:
        raise UserError(report(mistakes))


def find_mistakes(project: Project, settings: Settings) -> list[Mistake]:
    """Every mistake of params.yaml and of the inputs it names, in the order of the lines."""
    try:
        text = ParamsText(project.paths.params)
    except UnreadableError as error:
        return [error.mistake]
    from flows.preflight.gate import check_gate
    from flows.preflight.input_data import check_inputs
    from flows.preflight.parts import check_parts
    from flows.preflight.sections import check_names, check_sections

    mistakes = _profile(text)
    profile = "default" if mistakes else text.values.get("profile", "default")
    chosen: dict[str, Any] = _chosen(text.values, profile)
    mistakes += _unseen(text)
    mistakes += check_names(text)
    mistakes += check_sections(text, chosen)
    mistakes += check_parts(text, chosen)
    mistakes += check_gate(text, chosen)
    mistakes += check_inputs(project, settings, text, chosen)
    return sorted(mistakes, key=_line)


def _line(mistake: Mistake) -> int:
    number = re.search(r", line (\d+)", mistake.where)
    return int(number[1]) if number else 0


def _profile(text: ParamsText) -> list[Mistake]:
    profile = text.values.get("profile", "default")
    if profile in PROFILES:
        return []
    return [Mistake(text.where("profile"), f"there is no profile {profile!r}", rename(profile, PROFILES, "change it"))]


def _unseen(text: ParamsText) -> list[Mistake]:
    """Keys whose change DVC's run cache does not see; those with a new name are told so by their sections."""
    return [
        Mistake(text.where(*path.split(".")), f"DVC does not see changes of a param of this name: {path}", "rename it.")
        for path in unseen_by_dvc(text.values)
        if not hint(path)
    ]
