"""Sections: each section of params.yaml and the class beside the code that it steers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from features.params import PROFILES
from features.renamed_params import hint
from flows.preflight.mistakes import Mistake, nearest, rename
from flows.preflight.params_text import ParamsText
from flows.project.params_file import scalar

Path = tuple[str | int, ...]

SECTIONS = {
    "source": "features.importing.ingest:Params",
    "source.simulator": "features.simulation.parameters:Params",
    "validate": "features.validation.expectations:Params",
    "freshness": "flows.project.running.freshness:Params",
    "split": "features.split:Params",
    "clean": "features.cleaning.interactions:Params",
    "build_features": "features.offline.feature_tables:Params",
    "language": "models.language.writing.asking_params:Params",
    "embed": "models.language.encoding.embed_params:Params",
    "retrieve": "models.retrieval.candidates:Params",
    "ablate": "models.ablation.ablate_params:AblateParams",
    "reranker.explore": "models.exploration:ExploreParams",
    "evaluate": "models.evaluation.evaluate:Params",
    "decide": "models.gate.decision:Params",
    "release": "models.release.refit:Params",
    "learn": "models.learning.params:Params",
    "update": "models.updating.update_params:Params",
    "tune": "models.tuning.objective:Params",
    "rating": "flows.rating.judge_raters:RatingParams",
}
"""Dotted path of a section → module and name of its Params class."""
OF_PARTS = ("retrievers", "ranker", "reranker", "raters")
"""Sections that name parts, each with Params of its own (flows/preflight/parts.py)."""
OPTIONAL = (
    "profile",
    "freshness",
    "release",
    "learn",
    "update",
    "tune",
    "rating",
    "raters",
    "source.simulator",
    "reranker.explore",
)
"""Sections whose defaults apply where they are left out; the stages ask for the others."""
SCALARS = ("profile",)


def names() -> list[str]:
    """Everything that may stand at the top of params.yaml."""
    return sorted({*(name.split(".")[0] for name in SECTIONS), *OF_PARTS, *SCALARS})


def params_class(name: str) -> type[BaseModel]:
    """The class of a section; only its module is imported."""
    module, _, attribute = SECTIONS[name].partition(":")
    return cast(type[BaseModel], getattr(import_module(module), attribute))


def check_names(text: ParamsText) -> Iterator[Mistake]:
    """Sections that nobody reads, and sections that are missing."""
    unread = [name for name in text.values if name not in names()]
    missing = [name for name in names() if name not in text.values and name not in OPTIONAL]
    for name in unread:
        yield Mistake(text.where(name), f"no stage reads a section '{name}'", rename(name, names(), f"remove '{name}'"))
    for name in missing:
        if not any(nearest(other, [name]) for other in unread):
            remedy = "restore it (`git diff params.yaml` shows what was removed)"
            yield Mistake(text.where(), f"section '{name}' is missing", remedy)


def check_sections(text: ParamsText, chosen: dict[str, Any]) -> Iterator[Mistake]:
    """Every section but those of parts against its class.

    chosen: the file's values with the choices by profile made.
    """
    for name in SECTIONS:
        keys = tuple(name.split("."))
        values: Any = chosen
        for key in keys:
            values = values.get(key) if isinstance(values, dict) else None
        if values is not None or name not in OPTIONAL and keys[0] in chosen:
            yield from check_values(text, keys, params_class(name), values)


def check_values(
    text: ParamsText, keys: Path, params: type[BaseModel], values: Any, more: Sequence[str] = ()
) -> Iterator[Mistake]:
    """One section against one class; keys: where the section stands; more: what else may stand there."""
    if values is not None and not isinstance(values, dict):
        shown = ".".join(map(str, keys))
        yield Mistake(text.where(*keys), f"{shown} is {values!r}, expected `param: value` lines", _fields(params))
        return
    try:
        params.model_validate(values or {})
    except ValidationError as error:
        for details in error.errors():
            yield _mistake(text, keys, params, details, more)


def _mistake(
    text: ParamsText, keys: Path, params: type[BaseModel], details: ErrorDetails, more: Sequence[str]
) -> Mistake:
    location = tuple(details["loc"])
    names = [*(key for key in (*keys, *location) if isinstance(key, str))]
    where, last = text.where(*keys, *location), str((*keys, *location)[-1])
    if details["type"] == "extra_forbidden":
        renamed = hint(".".join(names))
        if renamed:
            return Mistake(where, f"there is no param '{last}' any more", f"{renamed}: rename it.")
        fields = fields_at(params, location[:-1]) + (list(more) if len(location) == 1 else [])
        section_name = ".".join(map(str, (*keys, *location[:-1])))
        return Mistake(where, f"section '{section_name}' has no param '{last}'", rename(last, fields, "remove it"))
    given = details["input"]
    if isinstance(given, dict) and details["type"] not in ("missing", "value_error"):
        wrong = [key for key in given if key not in PROFILES]
        if wrong and any(key in PROFILES or nearest(key, PROFILES) for key in given):
            what = f"a choice by profile names {wrong[0]!r}"
            return Mistake(where, what, rename(wrong[0], PROFILES, "name profiles only"))
    expected = _expected(details)
    if details["type"] == "missing":
        return Mistake(where, f"{'.'.join(names)} is missing", "add it.")
    if not location or details["type"] == "value_error" and isinstance(given, dict):
        return Mistake(where, expected, "correct one of these values.")
    return Mistake(where, f"{'.'.join(names)} is {_short(given)}, expected {expected}", _value(params, details))


def _expected(details: ErrorDetails) -> str:
    """What pydantic expected, as the end of a sentence."""
    message = details["msg"].removeprefix("Value error, ")
    message = re.sub(r"^(Input|List|Value) should be (a valid |an valid )?", "", message)
    message = re.sub(r", (unable to parse|got a number with|instead of).*$", "", message)
    if details["type"] == "too_short":
        return "at least one entry"
    kinds = {"integer": "a whole number", "int": "a whole number", "number": "a number", "boolean": "true or false"}
    kinds |= {"string": "a text", "list": "a list [a, b]", "dictionary": "`param: value` lines"}
    return kinds.get(message, message)


def _value(params: type[BaseModel], details: ErrorDetails) -> str:
    """The remedy for a value: the one that was probably meant among those there are, else the default."""
    if details["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", details["ctx"]["expected"])
        guess = nearest(details["input"], allowed)
        if guess:
            return f"did you mean '{guess}'?"
    location = [key for key in details["loc"] if isinstance(key, str)]
    owner = class_at(params, location[:-1])
    field = owner.model_fields.get(location[-1]) if owner and location else None
    if field is None or field.is_required() or isinstance(field.default, BaseModel):
        return "correct the value."
    default = field.get_default(call_default_factory=True)
    shown = default if isinstance(default, list | dict) else scalar(default)
    return f"the default is {shown}."


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _fields(params: type[BaseModel]) -> str:
    return f"its params are {', '.join(params.model_fields)}."


def fields_at(params: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Names of the params at a location inside a class."""
    owner = class_at(params, location)
    return list(owner.model_fields) if owner else []


def class_at(params: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    """The class at a location inside a class: nested ones are followed, positions of lists left out."""
    current: type[BaseModel] | None = params
    for key in location:
        if isinstance(key, int):
            continue
        field = current.model_fields.get(key) if current else None
        current = next(_kinds(field.annotation), None) if field else None
    return current


def _kinds(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _kinds(argument)
