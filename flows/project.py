"""The project folder that a command acts on: params.yaml edited with its comments kept, data put under DVC."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.files import write_text

RAW = "data/raw"
REFERENCE = "data/reference"
NO_REFERENCE = "data/initial"


def edit_source(root: Path, changes: Mapping[str, Any]) -> bool:
    """Sets keys of params.yaml's section `source`, everything else to the byte as it was; True when it changed."""
    from ruamel.yaml import YAML

    path = root / "params.yaml"
    before = path.read_text(encoding="utf-8")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    loaded = yaml.load(before)
    source = loaded["source"]
    if all(key in source and source[key] == value for key, value in changes.items()):
        return False
    lines = before.splitlines(keepends=True)
    start = source.lc.line
    for key, value in changes.items():
        if key in source and not isinstance(source[key], dict) and not isinstance(value, Mapping):
            number = source.lc.key(key)[0]
            lines[number] = _with_value(lines[number], key, value)
        elif key not in source:
            indent = " " * source.lc.col
            lines.insert(start, f"{indent}{key}: {_scalar(value)}\n")
    write_text("".join(lines), path)
    return True


def _with_value(line: str, key: str, value: Any) -> str:
    """The line `key: old   # comment` with another value, the comment at its place."""
    head, _, rest = line.partition(f"{key}:")
    body, hash_sign, comment = rest.partition(" #")
    fresh = f" {_scalar(value)}"
    if hash_sign:
        width = len(body)
        return f"{head}{key}:{fresh.ljust(width)}{hash_sign}{comment}"
    return f"{head}{key}:{fresh}\n"


def _scalar(value: Any) -> str:
    from ruamel.yaml import YAML

    out = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = True
    yaml.dump([value], out)
    return out.getvalue().strip()[1:-1]


def put_under_dvc(root: Path, path: str) -> None:
    """`dvc add`: the folder's content goes to the cache, `path`.dvc says which content it is; nothing is committed."""
    import logging

    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)  # after the import, which sets a level of its own

    os.chdir(root)
    with Repo(str(root)) as repo:
        repo.add(path)
