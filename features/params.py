"""params.yaml: each part reads only its own section, checked by the Params class beside its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from features.errors import UserError
from features.positives import NEVER_BY_DEFAULT, Positives
from features.renamed_params import hint, unseen_by_dvc

P = TypeVar("P", bound=BaseModel)

PROFILES = ("quick", "default", "best")


def read_params(path: Path | str = "params.yaml") -> dict[str, Any]:
    """All of params.yaml as plain dictionaries and lists, with choices by profile resolved.

    A mapping whose keys are all of PROFILES stands for the value of the file's `profile`, or for that of `default`.

    Raises:
        UserError: there is no such file, it is no YAML, its profile is none of PROFILES, or DVC would not see a key.
    """
    try:
        loaded = YAML(typ="safe").load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no file {path}; run inside a recops project (the folder that holds dvc.yaml)") from None
    except YAMLError as error:
        raise UserError(f"{path} is not readable as YAML: {' '.join(str(error).split())}") from None
    loaded = loaded or {}
    profile = loaded.get("profile", "default")
    if profile not in PROFILES:
        raise UserError(f"{path}: profile is {profile!r}, expected one of {', '.join(PROFILES)}")
    if unseen := unseen_by_dvc(loaded):
        hints = "; ".join(f"{name}: {hint(name) or 'give it another name'}" for name in unseen)
        raise UserError(f"{path}: DVC's run cache does not see changes of a param of this name: {hints}")
    chosen: dict[str, Any] = _chosen(loaded, profile)
    return chosen


def _chosen(value: Any, profile: str) -> Any:
    if isinstance(value, list):
        return [_chosen(item, profile) for item in value]
    if not isinstance(value, dict):
        return value
    if value and set(value) <= set(PROFILES):
        return _chosen(value.get(profile, value.get("default")), profile)
    return {name: _chosen(item, profile) for name, item in value.items()}


def section(name: str, params: type[P], path: Path | str = "params.yaml") -> P:
    """Section `name` (dots go down) as its Params.

    Raises:
        UserError: the section is missing or does not fit, with each field and what is wrong with it.
    """
    values: Any = read_params(path)
    for part in name.split("."):
        if not isinstance(values, dict) or part not in values:
            raise UserError(
                f"{path}: no section '{name}'; there are {sorted(values) if isinstance(values, dict) else values}"
            )
        values = values[part]
    return parse(name, values, params, path)


def parse(name: str, values: Any, params: type[P], path: Path | str = "params.yaml") -> P:
    """`values` as Params, with the section's name in the message when they do not fit."""
    try:
        return params.model_validate(values or {})
    except ValidationError as error:
        faults = "; ".join(_fault(name, details) for details in error.errors())
        raise UserError(
            f"{path}: section '{name}' does not fit {params.__qualname__} of {params.__module__}: {faults}"
        ) from None


def _fault(section_name: str, details: ErrorDetails) -> str:
    """A field and what is wrong with it; for a renamed field its new name."""
    names = [section_name, *(part for part in details["loc"] if isinstance(part, str))]
    renamed = hint(".".join(names)) if details["type"] == "extra_forbidden" else ""
    return f"{'.'.join(map(str, details['loc']))}: {renamed or details['msg']}"


def positives(path: Path | str = "params.yaml") -> Positives:
    """Which events are positive (`evaluate.targets`), in training and judging alike.

    Raises:
        UserError: it is neither null nor a list of kinds of events.
    """
    targets = (read_params(path).get("evaluate") or {}).get("targets")
    if targets is not None and not (
        isinstance(targets, list) and targets and all(isinstance(kind, str) for kind in targets)
    ):
        raise UserError(
            f"{path}: evaluate.targets is {targets!r}, expected null (every event but {', '.join(NEVER_BY_DEFAULT)}) "
            "or a list of kinds of events, such as [purchase]"
        )
    return Positives.of(targets)
