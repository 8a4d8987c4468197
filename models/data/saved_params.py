"""Params of a saved part: one JSON file with the number of its format, which the reader checks before it trusts it."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from features.errors import UserError
from features.files import write_text
from features.renamed_params import with_new_names

P = TypeVar("P", bound=BaseModel)

PARAMS = "params.json"
FORMAT = 1
READS = (0, FORMAT)
"""Formats that this code reads. 0: saved before formats had numbers, params under the names of their time."""


def write_params(params: BaseModel, path: Path) -> None:
    """A part's params (or a model that holds them as `params`, beside what was learned) and the format of its files."""
    content = {"format": FORMAT, **params.model_dump(mode="json")}
    write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", path)


def read_params(path: Path, section: str, params: type[P], reads: Collection[int] = READS) -> P:
    """What `write_params` wrote; section: of params.yaml, by which params of format 0 get today's names.

    Raises:
        UserError: the file is of a format that this code does not read.
    """
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    number = content.pop("format", 0)
    if number not in reads:
        raise UserError(
            f"{path}: saved in format {number}, this code reads {' and '.join(map(str, sorted(reads)))}; use the code "
            "that saved it, or train again with `recops run`"
        )
    if number == 0:
        content = _under_new_names(content, section)
    return params.model_validate(content)


def _under_new_names(content: dict[str, Any], section: str) -> dict[str, Any]:
    if isinstance(content.get("params"), dict):
        return content | {"params": with_new_names(section, content["params"])}
    return with_new_names(section, content)
