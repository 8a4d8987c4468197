"""What the service tells of itself: the live release, its history, the state of its data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from features.arrays import MICROSECONDS_A_DAY
from models.release.code import running_code
from models.release.store import ReleaseError, ReleaseStore, Span
from services.instants import iso, iso_if_known, known_instant
from services.live.release import Serving

PACKAGES = ("recops", "bentoml", "feast", "lightgbm", "numpy", "polars")


def releases(store: ReleaseStore, serving: Serving) -> dict[str, Any]:
    """GET /releases: every stretch of time in which a release was live, oldest first; what of it cannot be read."""
    known = {release.release: release for release in store.list()}
    spans = [
        {
            "release": span.release,
            "bundle_hash": known[span.release].bundle_hash if span.release in known else None,
            "created_at": known[span.release].created_at if span.release in known else None,
            "live_from": span.live_from,
            "live_to": span.live_to,
            "metrics": known[span.release].metrics if span.release in known else {},
            "who": span.who,
            "why": span.why,
        }
        for span in _history(store)
    ]
    if not spans:
        spans = [
            {
                "release": serving.release.release,
                "bundle_hash": serving.release.bundle_hash,
                "created_at": serving.release.created_at or None,
                "live_from": None,
                "live_to": None,
                "metrics": serving.release.metrics,
                "who": None,
                "why": None,
            }
        ]
    live = next((span.release for span in reversed(_history(store))), serving.release.release)
    return {"live": live, "releases": spans, "faults": store.faults()}


def status(store: ReleaseStore, serving: Serving, at: int | None) -> dict[str, Any]:
    """GET /status: release, data age, counts, versions, and what is wrong (null: nothing) with each store."""
    serving.sessions.follow()
    now, code = at if at is not None else serving.sessions.now(), running_code()
    release = serving.release
    data_until = known_instant(release.data_until)
    live_from = next((span.live_from for span in reversed(_history(store)) if span.release == release.release), None)
    return {
        "release": release.release,
        "bundle_hash": release.bundle_hash,
        "live_from": live_from,
        "loaded_at": iso(serving.loaded_at),
        "data_until": iso_if_known(data_until),
        "data_age_days": None if data_until is None else round(max(now - data_until, 0) / MICROSECONDS_A_DAY, 3),
        "counts": {
            "items": serving.recommender.catalogue.n_items,
            "users": serving.users.height,
            "events_since_release": serving.sessions.n_events(),
        },
        "retrievers": list(serving.recommender.retrievers),
        "metrics": release.metrics,
        "stores": serving.sessions.faults(),
        "faults": store.faults(),
        "versions": _versions(),
        "code": {"version": code.version, "from": code.origin, "tag": code.tag},
    }


def _history(store: ReleaseStore) -> Sequence[Span]:
    """Empty where the pointer is damaged: `faults` says so."""
    try:
        return store.history()
    except ReleaseError:
        return []


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
