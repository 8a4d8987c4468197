"""Lineage: what a release was made from, by hash, and how to reproduce it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from features.errors import UserError
from flows.project.dataset import Project
from flows.project.provenance import data_hashes, git_state, lock_hash, train_run
from flows.project.under_dvc import open_repo
from models.release.bundle import MANIFEST, Manifest
from models.release.store import Release, Span

SHARED = "data/releases"


def lineage(project: Project, home: Path, manifest: Manifest) -> dict[str, Any]:
    """What a bundle of this project was made from. Unknown values are null."""
    git = git_state(project.root)
    resolved = project.paths.resolved
    return {
        "git": {**asdict(git), "dirty": git.dirty, "differs": list(git.differs)},
        "dvc_lock": lock_hash(project),
        "stale": stale_stages(project),
        "train_run": train_run(home, manifest.hash),
        "data": data_hashes(project),
        "resolved": json.loads(resolved.read_text(encoding="utf-8")) if resolved.is_file() else None,
    }


def stale_stages(project: Project) -> list[str] | None:
    """Stages before the bundle whose results are not those of dvc.lock; None where there is no dvc.lock."""
    from dvc.exceptions import DvcException

    if not (project.root / ".dvc").is_dir():
        return None
    try:
        with open_repo(project.root) as repo:
            return sorted(repo.status(targets=["bundle"], with_deps=True))
    except (DvcException, UserError):
        return None


def described(release: Release, spans: list[Span]) -> Iterator[str]:
    """The text of `recops releases show`: the release, what it was made from, how to reproduce it."""
    source = release.source
    yield f"release {release.release}, made {release.created_at} by {source.get('who') or 'unknown'}"
    for span in spans:
        yield f"  live      {span.live_from} → {span.live_to or 'now'}  {span.who}: {span.why}"
    yield f"  bundle    {release.bundle_hash}"
    if release.refit:
        yield f"  refit of  {release.judged}, which the gate judged"
    yield from _described_update(release)
    yield f"  Bento     {release.bento_tag or 'none'}"
    yield f"  runs      train {source.get('train_run') or 'unknown'}, release {source.get('flow_run') or 'unknown'}"
    yield f"  code      {source.get('code_version') or 'unknown'}, params {source.get('params_hash') or 'unknown'}"
    yield f"  data      {source.get('data_hash') or 'unknown'} of source {source.get('source') or 'unknown'}"
    for path, digest in (source.get("data") or {}).items():
        yield f"            {digest}  {path}"
    for name, value in (source.get("resolved") or {}).items():
        yield f"  {name.replace('_', ' '):<9} {value}"
    git = source.get("git") or {}
    yield f"  git       {git.get('commit') or 'none'}, dvc.lock {source.get('dvc_lock') or 'none'}"
    yield ""
    yield from reproduction(release)


def _described_update(release: Release) -> Iterator[str]:
    """Of an update what it is a function of, and how it was judged."""
    if release.kind != "update":
        return
    yield f"  update of {release.base} with the events through {release.update.get('position')}"
    yield f"            of which the gate judged {release.judged}"
    for name, value in (release.update.get("params") or {}).items():
        yield f"            update.{name} {json.dumps(value)}"
    yield f"  rows      {release.source.get('update_rows') or 'unknown'}"
    progressive = release.source.get("progressive") or {}
    for side in ("updated", "learned"):
        if sentence := (progressive.get(side) or {}).get("sentence"):
            yield f"  judged    {sentence}"


def reproduction(release: Release) -> Iterator[str]:
    """How to reproduce a release's bundle, or why that is impossible."""
    if release.kind == "update":
        yield f"To make the same bundle again, with the params above, where release {release.base} is recorded:"
        yield f"    recops update --from {release.base} --until {release.update.get('position')} --no-release"
        yield f"data/update/bundle/{MANIFEST} then has the hash {release.bundle_hash},"
        yield "unless a user of these events was erased since: then the rows are others."
        return
    source = release.source
    git = source.get("git") or {}
    obstacles = list(_obstacles(source, git))
    if obstacles:
        yield "It cannot be made again from git and DVC:"
        yield from (f"  {obstacle}" for obstacle in obstacles)
        yield f"Its files are in {SHARED}/{release.release}.dvc by hash: `recops releases pull {release.release}`."
        return
    folder = f"/{git['folder']}" if git.get("folder") else ""
    yield "To make the same bundle again, with the packages of requirements.lock:"
    yield f"    git clone {git.get('remote') or 'URL'} again"
    yield f"    cd again{folder}"
    yield f"    git checkout {git['commit']}"
    yield "    dvc pull"
    yield "    dvc repro bundle"
    yield f"data/bundle/{MANIFEST} then has the hash {release.judged}."
    if release.refit:
        yield f"`recops release` there, with release.refit true, fits it anew to {release.bundle_hash}."


def _obstacles(source: dict[str, Any], git: dict[str, Any]) -> Iterator[str]:
    if not git.get("commit"):
        yield "it was released outside of a git repository, so there is no commit to check out"
    elif git.get("dirty"):
        more = git["n_differs"] - len(git["differs"])
        named = ", ".join(git["differs"]) + (f" and {more} more" if more else "")
        yield f"the project differed from commit {git['commit']}: {named}"
    if not source.get("dvc_lock"):
        yield "there was no dvc.lock"
    if source.get("stale"):
        yield f"data/bundle was not that of dvc.lock: not up to date were {', '.join(source['stale'])}"
