"""Garbage collection: removes releases that are not live, previous or pinned, with their Bentos and namespaces."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import cast

from features.settings import Settings
from flows.project.dataset import Project
from flows.releasing.bento import NAME, folder_of, store_of
from flows.releasing.cleanup import drop_namespace, release_lock, remove_release, stray_namespaces, unfinished
from flows.releasing.lineage import SHARED
from flows.releasing.sharing import shared_file, unshare
from models.release.running import running_services
from models.release.store import Release, ReleaseStore
from models.release.trial import running_trial, trials
from models.release.trial_figures import folder_of_trial, folders_of_trials


def gc(settings: Settings, project: Project | None = None, *, dry_run: bool = False) -> list[str]:
    """Removes old releases, Bentos, online namespaces and what unfinished releases left; a line for each.

    project: the removed releases also leave its data/releases; dry_run: only lists what would be removed.

    Raises:
        UserError: a release is under way.
    """
    if not (settings.home / "releases").is_dir():
        return []
    with nullcontext() if dry_run else release_lock(settings):
        return _collect(settings, project, dry_run)


def kept(store: ReleaseStore) -> list[Release]:
    """Live, previous and pinned releases, the one on trial, and those that they are updates of, oldest first."""
    trial = running_trial(store)
    wanted = {store.live(), store.previous(), *store.pinned(), trial.release if trial else None}
    recorded = store.list()
    bases = {release.base for release in recorded if release.release in wanted}
    return [release for release in recorded if release.release in wanted | bases]


def drop_old_updates(settings: Settings) -> list[str]:
    """Removes updates that `kept` does not name, with their Bentos; under the lock of releases. Their ids.

    Whole releases stay until `gc`: only they cannot be made again from a release, a position and params.
    """
    store = ReleaseStore(settings.home)
    staying = kept(store)
    old = [release.release for release in store.list() if release.kind == "update" and release not in staying]
    for name in old:
        remove_release(settings, name)
    if old:
        for folder in _old_bentos(settings, list(store.list())):
            _remove_bento(folder)
    return old


def _collect(settings: Settings, project: Project | None, dry_run: bool) -> list[str]:
    store = ReleaseStore(settings.home)
    staying = kept(store)
    left = unfinished(settings)
    strays = stray_namespaces(settings)
    lines = [f"unfinished release {name}" for name in left]
    old = [release.release for release in store.list() if release not in staying and release.release not in left]
    lines.extend(f"release {name} ({_megabytes(store.folder(name))})" for name in old)
    shared = [name for name in old if project is not None and shared_file(project, name).is_file()]
    lines.extend(f"{SHARED}/{name}.dvc: commit its removal" for name in shared)
    lines.extend(f"online namespace {namespace}" for namespace in strays)
    bentos = _old_bentos(settings, staying)
    lines.extend(f"Bento {NAME}:{folder.name} ({_megabytes(folder)})" for folder in bentos)
    tried = _old_trials(settings, store, staying)
    lines.extend(f"trial {folder.name} ({_megabytes(folder)})" for folder in tried)
    if not dry_run:
        for name in [*left, *old]:
            remove_release(settings, name)
        for name in shared:
            unshare(cast(Project, project), name)
        for namespace in strays:
            drop_namespace(settings, namespace)
        for folder in bentos:
            _remove_bento(folder)
        for folder in tried:
            shutil.rmtree(folder, ignore_errors=True)
    return lines


def _old_trials(settings: Settings, store: ReleaseStore, staying: list[Release]) -> list[Path]:
    """Folders of figures and compared lists of trials of releases that are not kept."""
    names = {release.release for release in staying}
    wanted = {folder_of_trial(settings.home, trial) for trial in trials(store) if trial.release in names}
    return [folder for folder in folders_of_trials(settings.home) if folder not in wanted]


def _old_bentos(settings: Settings, staying: list[Release]) -> list[Path]:
    """Folders of Bentos that no kept release and no running service needs, and of half-removed ones."""
    tags = {release.bento_tag for release in staying}
    tags |= {service.code.get("tag") for service in running_services(settings.home)}
    wanted = {folder_of(settings, tag) for tag in tags if tag}
    folders = (store_of(settings) / "bentos" / NAME).glob("*")
    return sorted(folder for folder in folders if folder.is_dir() and folder not in wanted)


def _remove_bento(folder: Path) -> None:
    """Removes a Bento from the store by a rename, then its files; `latest` then names another one."""
    gone = folder.with_name(f".{folder.name.removeprefix('.').removesuffix('.gone')}.gone")
    if folder != gone:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    latest = folder.parent / "latest"
    if latest.is_file() and latest.read_text(encoding="utf-8").strip() == folder.name:
        left = sorted(path for path in folder.parent.glob("*") if path.is_dir() and not path.name.startswith("."))
        newest = max(left, key=lambda path: (path.stat().st_mtime, path.name), default=None)
        if newest:
            latest.write_text(newest.name, encoding="utf-8")
        else:
            latest.unlink()


def _megabytes(folder: Path) -> str:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{size / 1e6:.1f} MB"
