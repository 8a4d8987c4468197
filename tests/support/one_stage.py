"""One stage run again in process on the data of a finished project, with other params, in a folder of its own."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support.workspace import edit_params

LABELS = ("manifest.json",)  # tells of the params themselves: its change says nothing of results


def stages(project: Path) -> dict[str, dict[str, Any]]:
    """Name (of a family: the family's) → its body in dvc.yaml."""
    loaded = YAML(typ="safe").load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: body.get("do", body) for name, body in loaded.items()}


def outs_of(body: dict[str, Any]) -> list[str]:
    """Paths that a stage writes."""
    listed = [*body.get("outs", []), *body.get("metrics", [])]
    return [out if isinstance(out, str) else next(iter(out)) for out in listed]


def run_again(finished: Path, folder: Path, stage: str, changes: dict[str, Any], monkeypatch: Any) -> dict[str, str]:
    """Outputs of a stage (path → sha256) from the finished project's data and its params with `changes`."""
    body = stages(finished)[stage]
    outs = outs_of(body)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(finished / name, folder / name)
    edit_params(folder, changes)
    _link(finished / "data", folder / "data", outs, "data")
    monkeypatch.chdir(folder)
    importlib.import_module(body["cmd"].split()[2]).main()
    return hashes(folder, outs)


def run_here(folder: Path, stage: str) -> None:
    """A stage in a project, in this process."""
    with contextlib.chdir(folder):
        importlib.import_module(f"flows.stages.{stage}").main()


def hashes(folder: Path, outs: list[str]) -> dict[str, str]:
    """Path → sha256 of every file of some outs."""
    found = {}
    for out in outs:
        path = folder / out
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.name not in LABELS:
                found[file.relative_to(folder).as_posix()] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def _link(source: Path, target: Path, outs: list[str], path: str) -> None:
    """Links to everything below a folder but the outs; folders that hold an out are made anew."""
    target.mkdir(parents=True)
    for child in sorted(source.iterdir()):
        below = f"{path}/{child.name}"
        if below in outs:
            continue
        if child.is_dir() and any(out.startswith(f"{below}/") for out in outs):
            _link(child, target / child.name, outs, below)
        else:
            (target / child.name).symlink_to(child.resolve())
