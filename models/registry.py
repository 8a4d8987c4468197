"""Parts by name: the class behind a name of the tables in models/{retrievers,rankers,rerankers,raters}/__init__.py."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, cast, overload

from pydantic import BaseModel

from features.errors import UserError
from features.params import parse
from models.interfaces import Ranker, Rater, Reranker, Retriever

Kind = Literal["retriever", "ranker", "reranker", "rater"]
TABLES = {
    "retriever": ("models.retrievers", "RETRIEVERS"),
    "ranker": ("models.rankers", "RANKERS"),
    "reranker": ("models.rerankers", "RERANKERS"),
    "rater": ("models.raters", "RATERS"),
}
SECTIONS = {"retriever": "retrievers.{}", "ranker": "ranker.{}", "reranker": "reranker", "rater": "raters.{}"}


def part_names(kind: str) -> list[str]:
    """Names of all parts of a kind (`retriever`, `ranker`, `reranker`, `rater`), ascending."""
    return sorted(_table(kind))


def load_part(kind: str, name: str) -> type[Any]:
    """The class behind a name; only its own module is imported.

    Raises:
        UserError: there is no such part.
    """
    table = _table(kind)
    if name not in table:
        raise UserError(
            f"no {kind} named '{name}'; there are {sorted(table)} ({TABLES[kind][0].replace('.', '/')}/__init__.py)"
        )
    module, _, attribute = table[name].partition(":")
    return cast(type[Any], getattr(import_module(module), attribute))


@overload
def make(kind: Literal["retriever"], name: str, params: Mapping[str, Any] | BaseModel | None = None) -> Retriever: ...
@overload
def make(kind: Literal["ranker"], name: str, params: Mapping[str, Any] | BaseModel | None = None) -> Ranker: ...
@overload
def make(kind: Literal["reranker"], name: str, params: Mapping[str, Any] | BaseModel | None = None) -> Reranker: ...
@overload
def make(kind: Literal["rater"], name: str, params: Mapping[str, Any] | BaseModel | None = None) -> Rater: ...


def make(kind: Kind, name: str, params: Mapping[str, Any] | BaseModel | None = None) -> Any:
    """An unfitted part from its params: as a section of params.yaml has them, or checked already; None: defaults.

    Raises:
        UserError: there is no such part, or the params are not its own, with the section's name.
    """
    part = load_part(kind, name)
    if not isinstance(params, BaseModel):
        params = parse(SECTIONS[kind].format(name), params, part.Params)
    return part(params)


def load_retriever(name: str) -> type[Retriever]:
    """A retriever's class."""
    return cast(type[Retriever], load_part("retriever", name))


def load_ranker(name: str) -> type[Ranker]:
    """A ranker's class."""
    return cast(type[Ranker], load_part("ranker", name))


def load_reranker(name: str) -> type[Reranker]:
    """A reranker's class."""
    return cast(type[Reranker], load_part("reranker", name))


def name_of(kind: str, part: object) -> str:
    """The name under which the table has a part's class."""
    wanted = f"{type(part).__module__}:{type(part).__qualname__}"
    return next(name for name, path in _table(kind).items() if path == wanted)


def _table(kind: str) -> dict[str, str]:
    module, attribute = TABLES[kind]
    return cast(dict[str, str], getattr(import_module(module), attribute))
