"""Rollback: the release before the live one, or a named one, in well under a second; imports nothing heavy."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from features.errors import UserError
from features.online.backends import place
from features.settings import Settings
from models.release.bundle import BundleError, read_manifest
from models.release.rollback import rollback_target
from models.release.store import Release, ReleaseError, ReleaseStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rollback:
    """What a rollback did: the release that is live now, and whether that is new."""

    release: Release
    changed: bool


def rollback(settings: Settings, release: str | None = None, *, who: str, why: str = "rolled back by hand") -> Rollback:
    """Puts an earlier release live by one replacement of the pointer; running services follow it by themselves.

    It goes back from the release that is live at the start: when another process changes the pointer meanwhile, nothing
    changes.

    Raises:
        UserError: `release` is blank.
        ReleaseError: there is no such release, none before the live one, or its online namespace is lost.
        BundleError: its folder is no longer whole.
    """
    if release is not None and not release.strip():
        raise UserError(f"rollback '{release}': a blank names no release; leave it out for the one before")
    store = ReleaseStore(settings.home)
    live = store.live()
    target = rollback_target(store, live, release)
    changed = False
    if target is not None:
        wanted = store.read(target)
        _check_bundle(store, wanted)
        _check_namespace(settings, wanted)
        changed = store.swap(target, who=who, why=why, expected=live)
    if not changed:
        logger.info("release=%s is live: nothing changed", store.live())
    return Rollback(store.read(store.live() or ""), changed)


def _check_bundle(store: ReleaseStore, release: Release) -> None:
    """Checks that all files of the bundle exist; the service that loads them compares their hashes."""
    folder = store.bundle(release.release)
    manifest = read_manifest(folder)
    missing = [path for path in manifest.files if not (folder / path).is_file()]
    if manifest.hash != release.bundle_hash or missing:
        raise BundleError(
            f"bundle {folder}: "
            + (f"no file {missing[0]}" if missing else f"its hash is {manifest.hash}, expected {release.bundle_hash}")
            + "; choose another release (`recops releases`) or release anew (`recops release`)"
        )


def _check_namespace(settings: Settings, release: Release) -> None:
    """Checks that the release's namespace is still in the online store."""
    folder = settings.home / "online"
    lost = place(settings.online_store, folder, release.namespace).read_notes() is None
    if settings.online_store == "sqlite":
        lost = lost or not (folder / f"{release.namespace}.db").is_file()
    if lost:
        raise ReleaseError(
            f"release {release.release}: its online namespace {release.namespace} is not in the online store any more; "
            "choose another release (`recops releases`) or release anew (`recops release`)"
        )
