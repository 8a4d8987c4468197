"""Rollback: selects the release to restore; shared by HTTP and the command line."""

from __future__ import annotations

from models.release.store import ReleaseError, ReleaseStore


class UnknownReleaseError(ReleaseError):
    """A release that was never live and is not recorded."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def rollback_target(store: ReleaseStore, from_release: str | None, to_release: str | None) -> str | None:
    """The release to put live; None: nothing is to change.

    from_release: what the caller saw live; when something else is live now, their wish was fulfilled or overtaken.
    to_release: what is to come back; None: the last other one that was live and is still kept.

    Raises:
        UnknownReleaseError: either names no release.
        ReleaseError: nothing was released yet, or nothing was live before.
    """
    spans = store.history()
    live = spans[-1].release if spans else None
    if from_release is not None and from_release not in {span.release for span in spans}:
        raise UnknownReleaseError("from", f"release '{from_release}' was never live in {store.root}; see GET /releases")
    if to_release is not None and not store.has(to_release):
        kept = [release.release for release in store.list()]
        raise UnknownReleaseError("to", f"no release '{to_release}' in {store.root}; there are {kept}")
    if live is None:
        raise ReleaseError(f"{store.root}: nothing was released yet, so nothing can come back (`recops release`)")
    if from_release is not None and from_release != live:
        return None
    target = to_release or store.previous()
    if target is None:
        kept = [release.release for release in store.list()]
        raise ReleaseError(f"{store.root}: there is no release before {live}; name one of {kept}")
    return None if target == live else target
