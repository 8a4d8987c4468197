"""Removal of releases, unfinished ones included; only under the lock of releases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import UserError
from features.files import locked
from features.settings import Settings
from flows.orchestration.busy import BusyError
from models.release.store import ReleaseStore

SCRATCH, GONE = ".tmp", ".gone"


def scratch_of(store: ReleaseStore, release: str) -> Path:
    """Where a release is made before it is recorded under its name."""
    return store.root / f".{release}{SCRATCH}"


def namespace_of(release: str) -> str:
    """A release's online namespace (Feast takes letters, digits and underscores)."""
    return "r" + release.replace("-", "_")


def replay_namespace_of(release: str) -> str:
    """The scratch namespace that its replay reads."""
    return namespace_of(release) + "_replay"


@contextmanager
def release_lock(settings: Settings) -> Iterator[None]:
    """The lock under which one process at a time makes or removes releases of a home; it ends with the process.

    Raises:
        BusyError: another process holds it.
    """
    path = settings.home / "releases" / ".release.lock"

    def refusal(holder: str) -> BusyError:
        return BusyError(f"{path.parent}: another release or gc is under way (process {holder}); wait for it to end")

    with locked(path, refusal):
        yield


def unfinished(settings: Settings) -> list[str]:
    """Releases that were begun and never went live, by id: scratch folders, half-removed ones, recorded but never live
    ones that nobody pinned."""
    store = ReleaseStore(settings.home)
    kept = {span.release for span in store.history()} | set(store.pinned())
    hidden = {
        path.name[1 : -len(end)] for end in (SCRATCH, GONE) for path in store.root.glob(f".*{end}") if path.is_dir()
    }
    recorded = {release.release for release in store.list()}
    return sorted(hidden | (recorded - kept))


def clean(settings: Settings) -> list[str]:
    """Removes the releases that `unfinished` lists; returns their ids."""
    releases = unfinished(settings)
    for release in releases:
        remove_release(settings, release)
    return releases


def remove_release(settings: Settings, release: str) -> None:
    """Removes a release: its folder first (a reader sees it whole or not at all), then its online namespaces.

    The hidden folder goes last, so that the next removal completes one that was killed.
    """
    store = ReleaseStore(settings.home)
    gone = store.root / f".{release}{GONE}"
    if release == store.live():
        raise UserError(f"{store.root}: release {release} is live and stays; put another one live first")
    if store.folder(release).is_dir():
        shutil.rmtree(gone, ignore_errors=True)
        store.folder(release).rename(gone)
    drop_namespace(settings, namespace_of(release))
    drop_namespace(settings, replay_namespace_of(release))
    for folder in (scratch_of(store, release), gone):
        shutil.rmtree(folder, ignore_errors=True)


def drop_namespace(settings: Settings, namespace: str) -> None:
    """Removes an online namespace from the store, if it is there."""
    from features.online.namespace import OnlineNamespace

    OnlineNamespace(settings, namespace).drop()


def stray_namespaces(settings: Settings) -> list[str]:
    """Namespaces under home whose releases no longer exist."""
    store = ReleaseStore(settings.home)
    expected = {release.namespace for release in store.list()}
    for release in unfinished(settings):
        expected |= {namespace_of(release), replay_namespace_of(release)}
    there = {path.stem for end in ("db", "registry") for path in (settings.home / "online").glob(f"*.{end}")}
    return sorted(there - expected)
