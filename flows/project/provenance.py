"""Provenance: a project's state in git and dvc.lock, by hash, and the run that made its bundle."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.files import write_text
from flows.orchestration.git import git
from flows.project.dataset import Project
from models.release.bundle import MANIFEST, read_manifest, sha256_of

RUNS = "runs"
NAMED = (("ingest", "deps"), ("ingest", "outs"), ("split", "outs"), ("embed", "outs"), ("bundle", "outs"))


MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class GitState:
    """commit: None without git; differs: `M path` or `?? path` of what is not as in the commit, the first twenty;
    n_differs: how many; folder: the project's place in the repository, "" at its top; remote: where it is cloned from,
    without a name or password.
    """

    commit: str | None = None
    differs: tuple[str, ...] = ()
    n_differs: int = 0
    folder: str = ""
    remote: str = ""

    @property
    def dirty(self) -> bool:
        return self.n_differs > 0


def git_state(root: Path, *, ignored: str = "data/releases") -> GitState:
    """What git says of a project; changes below `ignored` do not count: no stage reads what is released."""
    commit = git(root, "rev-parse", "--verify", "HEAD")
    status = git(root, "status", "--porcelain=v1", "--untracked-files=all", "-z", "--no-renames", "--", ".")
    if not commit or status is None:
        return GitState()
    folder = (git(root, "rev-parse", "--show-prefix") or "").strip().rstrip("/")
    prefix = f"{folder}/" if folder else ""
    differs = []
    for entry in filter(None, status.split("\0")):
        path = entry[3:].removeprefix(prefix)
        if not path.startswith(f"{ignored}/"):
            differs.append(f"{entry[:2].strip()} {path}")
    remote = re.sub(r"(?<=://)[^/@]*@", "", (git(root, "config", "--get", "remote.origin.url") or "").strip())
    return GitState(
        commit=commit.strip(),
        differs=tuple(sorted(differs)[:MOST_NAMED]),
        n_differs=len(differs),
        folder=folder,
        remote=remote,
    )


def lock_hash(project: Project) -> str | None:
    """sha256 of dvc.lock; None before the first run."""
    path = project.root / "dvc.lock"
    return sha256_of(path) if path.is_file() else None


def locked_stages(project: Project) -> dict[str, Any]:
    """The stages of dvc.lock: name → its deps and outs with their hashes."""
    from ruamel.yaml import YAML

    path = project.root / "dvc.lock"
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8"))["stages"]) if path.is_file() else {}


def data_hashes(project: Project) -> dict[str, str]:
    """DVC's hashes of what the first stage reads and of what leads to the bundle, by path."""
    stages = locked_stages(project)
    entries = [entry for stage, kind in NAMED for entry in stages.get(stage, {}).get(kind, [])]
    return {str(entry["path"]): str(entry["md5"]) for entry in entries if entry["path"].startswith("data/")}


def results_of(project: Project, ran: Sequence[str]) -> list[dict[str, str]]:
    """A row a stage that ran: its name and what it wrote, by hash."""
    stages = locked_stages(project)
    return [
        {
            "stage": name,
            "wrote": ", ".join(f"{out['path']} {out['md5']}" for out in stages.get(name, {}).get("outs", [])),
        }
        for name in ran
    ]


def bundle_hash(project: Project) -> str | None:
    """The hash of data/bundle; None where there is none."""
    return read_manifest(project.paths.bundle).hash if (project.paths.bundle / MANIFEST).is_file() else None


def note_run(project: Project, home: Path, flow_run: str | None, ran: Sequence[str]) -> None:
    """Records the id of the train run that made the bundle, for the release."""
    bundle = bundle_hash(project)
    if bundle is None or "bundle" not in ran:
        return
    note = {"flow_run": flow_run, "bundle": bundle, "dvc_lock": lock_hash(project), "ran": list(ran)}
    write_text(json.dumps(note, indent=1, sort_keys=True) + "\n", home / RUNS / f"{bundle}.json")


def train_run(home: Path, bundle: str) -> str | None:
    """Id of the flow run that made a bundle; None when `dvc repro` made it, or another home."""
    path = home / RUNS / f"{bundle}.json"
    return json.loads(path.read_text(encoding="utf-8"))["flow_run"] if path.is_file() else None
