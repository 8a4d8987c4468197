"""An updated bundle and what it is a function of: a release, a position of the event log, params."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.positives import Positives
from flows.project.dataset import Project
from flows.updating.known_rows import KnownRows, digest_of
from flows.updating.progressive import log_of
from models.release.bundle import Manifest
from models.release.plan import load_catalogue, read_plan
from models.release.store import Release, ReleaseStore
from models.updating.parts import updated_parts, write_updated
from models.updating.update_params import Params

logger = logging.getLogger(__name__)

BUNDLE = Path("data/update/bundle")


@dataclass(frozen=True)
class Sides:
    """The release that is updated, and the one that its update is judged against: the same, or an update of it."""

    base: Release
    live: Release


def choose(store: ReleaseStore, name: str | None) -> Sides:
    """The release of a name, or that which the live one is, or is an update of.

    Raises:
        UserError: nothing is live, or `name` is an update itself.
    """
    live_name = store.live()
    live = None if live_name is None else store.read(live_name)
    name = name or (live.base if live is not None else None)
    if name is None:
        raise UserError("nothing is live, so nothing can be updated; release first (`recops run`, `recops release`)")
    base = store.read(name)
    if base.kind == "update":
        raise UserError(
            f"release {base.release} is an update of {base.base}; an update is made from a release: --from {base.base}"
        )
    return Sides(base, live if live is not None and live.base == base.release else base)


def taken_back(store: ReleaseStore) -> str | None:
    """The update that a rollback took back from what is live; None where none was."""
    spans = [span.release for span in store.history()]
    if not spans or spans[-1] not in spans[:-1]:
        return None
    live = store.read(spans[-1])
    last_time = len(spans) - 2 - spans[-2::-1].index(live.release)
    since = [store.read(name) for name in spans[last_time + 1 : -1] if store.has(name)]
    return next(
        (other.release for other in reversed(since) if other.kind == "update" and other.base == live.base), None
    )


def make_updated_bundle(project: Project, base: Path, known: KnownRows, params: Params) -> tuple[Manifest, str]:
    """Writes data/update/bundle anew, fitted on all rows; its manifest, and the digest of the rows.

    The same release, position and params give the same hash, unless the rows have changed: then the digest differs
    too, as after a user of the log was erased.
    """
    catalogue, positives = load_catalogue(base), Positives.of(read_plan(base).targets)
    cleaned = known.cleaned()
    parts = updated_parts(base, log_of(project, cleaned, catalogue, positives), catalogue, params)
    target = project.root / BUNDLE
    shutil.rmtree(target.parent, ignore_errors=True)
    target.parent.mkdir(parents=True)
    manifest = write_updated(base, target, parts, params)
    logger.info("updated bundle=%s position=%d rows=%d", manifest.hash[:12], known.position, known.every.height)
    return manifest, digest_of(cleaned)


def function_of(base: Release, known: KnownRows, params: Params) -> Mapping[str, Any]:
    """What release.json says that the bundle is a function of."""
    return {"release": base.release, "position": known.position, "params": params.model_dump(mode="json")}
