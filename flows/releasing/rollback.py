"""Rollback: the release before the live one, or a named one, in well under a second; imports nothing heavy."""

from __future__ import annotations

import logging

from features.settings import Settings
from models.release.bundle import BundleError, read_manifest
from models.release.store import Release, ReleaseError, ReleaseStore

logger = logging.getLogger(__name__)


def rollback(settings: Settings, release: str | None = None, *, who: str, why: str = "rolled back by hand") -> Release:
    """Puts an earlier release live by one replacement of the pointer; running services follow it by themselves.

    Raises:
        ReleaseError: there is no such release, or none before the live one.
        BundleError: its folder is no longer whole.
    """
    store = ReleaseStore(settings.home)
    wanted = release or store.previous()
    if wanted is None:
        live = store.live()
        raise ReleaseError(
            f"{store.root}: there is no release before {live}; name one of {[kept.release for kept in store.list()]}"
            if live
            else f"{store.root}: nothing was released yet, so there is nothing to go back to (`recops release`)"
        )
    found = store.read(wanted)
    _check_whole(store, found)
    if store.live() == wanted:
        logger.info("release=%s is live already: nothing to do", wanted)
        return found
    store.swap(wanted, who=who, why=why)
    return found


def _check_whole(store: ReleaseStore, release: Release) -> None:
    """The bundle's files are all there; their bytes are compared by the service that loads them."""
    folder = store.bundle(release.release)
    manifest = read_manifest(folder)
    missing = [path for path in manifest.files if not (folder / path).is_file()]
    if manifest.hash != release.bundle_hash or missing:
        raise BundleError(
            f"bundle {folder}: "
            + (f"no file {missing[0]}" if missing else f"its hash is {manifest.hash}, expected {release.bundle_hash}")
            + "; choose another release (`recops releases`) or release anew (`recops release`)"
        )
