"""Parts: names of retrievers, rankers, rerankers and raters in params.yaml, their params, and what refers to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from features.errors import UserError
from flows.preflight.mistakes import Mistake, rename
from flows.preflight.params_text import ParamsText
from flows.preflight.sections import check_values
from models.ranking.training import Params as RankerParams
from models.registry import load_part, make, part_names


def check_parts(text: ParamsText, chosen: dict[str, Any]) -> Iterator[Mistake]:
    """Every section that names parts.

    chosen: the file's values with the choices by profile made.
    """
    for kind, section in (("retriever", "retrievers"), ("rater", "raters")):
        if section in chosen:
            yield from _parts_in_use(text, kind, section, chosen[section])
    if "ranker" in chosen:
        yield from _ranker(text, chosen["ranker"])
    if "reranker" in chosen:
        yield from _reranker(text, chosen["reranker"])
    yield from _learning_curve(text, chosen)
    yield from _learning(text, chosen)


def _learning(text: ParamsText, chosen: dict[str, Any]) -> Iterator[Mistake]:
    """Learning between releases needs a retriever that can."""
    learn, retrievers = chosen.get("learn"), chosen.get("retrievers")
    if not isinstance(learn, dict) or learn.get("enabled") is not True or not isinstance(retrievers, dict):
        return
    can = [name for name in part_names("retriever") if hasattr(load_part("retriever", name), "statistics")]
    if not set(can) & set(retrievers):
        what = "learn.enabled is true, but none of the retrievers can learn between releases"
        yield Mistake(text.where("learn", "enabled"), what, f"add one of {can} to retrievers, or set it to false.")


def _parts_in_use(text: ParamsText, kind: str, section: str, values: Any) -> Iterator[Mistake]:
    if not isinstance(values, dict) or kind == "retriever" and not values:
        what = f"{section} is {values!r}, expected a section for each {kind} in use"
        yield Mistake(text.where(section), what, f"add one such as `popular: {{}}`; there are {_listed(kind)}.")
        return
    for name, params in values.items():
        if name not in part_names(kind):
            remedy = rename(name, part_names(kind), f"remove '{name}'")
            yield Mistake(text.where(section, name), f"there is no {kind} '{name}'", remedy)
        else:
            yield from _part(text, kind, (section, name), name, params)


def _part(text: ParamsText, kind: str, keys: tuple[str, ...], name: str, values: Any) -> Iterator[Mistake]:
    """The params of one part, and whether it can be made of them."""
    mistakes = list(check_values(text, keys, load_part(kind, name).Params, values))
    yield from mistakes
    if mistakes or kind == "rater":  # raters are numba code: some seconds to load, and no part of a run
        return
    try:
        make(kind, name, values)  # type: ignore[call-overload]
    except UserError as error:
        yield Mistake(text.where(*keys), str(error), "correct these values.")


def _ranker(text: ParamsText, values: Any) -> Iterator[Mistake]:
    if not isinstance(values, dict):
        yield from check_values(text, ("ranker",), RankerParams, values)
        return
    rankers = part_names("ranker")
    plain = {key: value for key, value in values.items() if key not in rankers}
    yield from check_values(text, ("ranker",), RankerParams, plain, more=rankers)
    yield from _name(text, "ranker", plain.get("name"))
    for name in rankers:
        if name in values:
            yield from _part(text, "ranker", ("ranker", name), name, values[name])
    fusion = values.get("fusion")
    weights = fusion.get("weights") if isinstance(fusion, dict) else None
    for name in weights if isinstance(weights, dict) else ():
        if name not in part_names("retriever"):
            where = text.where("ranker", "fusion", "weights", name)
            yield Mistake(where, f"there is no retriever '{name}'", rename(name, part_names("retriever"), "remove it"))


def _reranker(text: ParamsText, values: Any) -> Iterator[Mistake]:
    if not isinstance(values, dict):
        yield Mistake(text.where("reranker"), f"reranker is {values!r}, expected a section", "add `name: mmr` to it.")
        return
    params = {key: value for key, value in values.items() if key not in {"name", "explore"}}
    name = values.get("name", "mmr")
    if name in part_names("reranker"):
        kind = load_part("reranker", name).Params
        yield from check_values(text, ("reranker",), kind, params, more=("name", "explore"))
    else:
        yield from _name(text, "reranker", name)


def _name(text: ParamsText, kind: str, name: Any) -> Iterator[Mistake]:
    if isinstance(name, str) and name not in part_names(kind) or kind == "reranker" and not isinstance(name, str):
        remedy = rename(name, part_names(kind), "choose another")
        yield Mistake(text.where(kind, "name"), f"there is no {kind} '{name}'", remedy)


def _learning_curve(text: ParamsText, chosen: dict[str, Any]) -> Iterator[Mistake]:
    section = chosen.get("evaluate")
    names = section.get("learning_curve") if isinstance(section, dict) else None
    for number, name in enumerate(names if isinstance(names, list) else []):
        if name not in part_names("retriever"):
            where = text.where("evaluate", "learning_curve", number)
            yield Mistake(where, f"there is no retriever '{name}'", rename(name, part_names("retriever"), "remove it"))


def _listed(kind: str) -> str:
    return ", ".join(part_names(kind))
