"""What the service tells of itself: the live release, its history, the state of its data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from msgspec import UNSET, UnsetType

from features.arrays import MICROSECONDS_A_DAY
from features.events.database import DatabaseError
from models.learning.learner import Learned
from models.release.code import running_code
from models.release.store import ReleaseError, ReleaseStore, Span
from services.api.answers import Code, Counts, ItemsStatus, LearningStatus, ReleasesAnswer, ReleaseSpan, StatusAnswer
from services.instants import SECOND, iso, iso_if_known, known_instant
from services.live.serving import Serving

PACKAGES = ("recops", "bentoml", "feast", "lightgbm", "numpy", "polars")


def releases(store: ReleaseStore, serving: Serving) -> ReleasesAnswer:
    """GET /releases: every stretch of time in which a release was live, oldest first; what of it cannot be read."""
    recorded = {release.release: release for release in store.list()}
    history = _history(store)
    spans = []
    for span in history:
        release = recorded.get(span.release)
        spans.append(
            ReleaseSpan(
                span.release,
                release.bundle_hash if release else None,
                release.created_at if release else None,
                span.live_from,
                span.live_to,
                release.metrics if release else {},
                span.who,
                span.why,
            )
        )
    current = serving.release
    if not spans:
        created = current.created_at or None
        alone = ReleaseSpan(current.release, current.bundle_hash, created, None, None, current.metrics, None, None)
        spans = [alone]
    live = history[-1].release if history else current.release
    return ReleasesAnswer(live, spans, store.faults())


def status(store: ReleaseStore, serving: Serving, at: int | None, encoder_fault: str | None = None) -> StatusAnswer:
    """GET /status: release, age of its data and of itself, counts, versions, and what is wrong with each store."""
    serving.sessions.follow()
    now, code = at if at is not None else serving.sessions.now(), running_code()
    release = serving.release
    data_until = known_instant(release.data_until)
    newest = max((instant for instant in (data_until, serving.sessions.newest_event) if instant), default=None)
    live_from = next((span.live_from for span in reversed(_history(store)) if span.release == release.release), None)
    return StatusAnswer(
        release=release.release,
        bundle_hash=release.bundle_hash,
        created_at=release.created_at or None,
        live_from=live_from,
        loaded_at=iso(serving.loaded_at),
        data_until=iso_if_known(data_until),
        data_age_days=_days(now, data_until),
        newest_event=iso_if_known(newest),
        newest_event_age_days=_days(now, newest),
        release_age_days=_days(now, _created(release.created_at)),
        counts=Counts(serving.recommender.catalogue.n_items, serving.users.height, serving.sessions.n_events()),
        items=_items(serving, encoder_fault),
        retrievers=list(serving.recommender.retrievers),
        metrics=release.metrics,
        stores=serving.sessions.faults(),
        faults=store.faults(),
        versions=_versions(),
        code=Code(code.version, code.origin, code.tag),
        learning=_learning(serving),
    )


def _learning(serving: Serving) -> LearningStatus | UnsetType:
    learning = serving.growth.learning
    if learning is None:
        return UNSET
    learned = learning.version.learned if learning.version is not None else Learned(0, {})
    return LearningStatus(learned.position, learned.n_rows, dict(learned.left_out), learning.fault)


def _items(serving: Serving, encoder_fault: str | None) -> ItemsStatus:
    items, vectors, n_with_text = serving.items, serving.vectors, len(serving.mark.with_vectors)
    items.follow()
    faults: dict[str, str] = {}
    if items.added and vectors is None:
        faults["encoder"] = "no part of this release offers items by their text, or RECOPS_ITEM_ENCODER is off"
    elif vectors is not None:
        try:
            faults = vectors.refused(items)
        except DatabaseError as error:  # `stores` says so too
            faults = {"queue": str(error)}
        if vectors.n_without_room:
            faults["queue"] = (
                f"{vectors.n_without_room} texts found no room in the encoder's queue; they are tried again"
            )
        if (fault := vectors.fault or encoder_fault) is not None:
            faults["encoder"] = fault
    waiting = vectors.n_waiting(items, serving.mark.with_vectors) if vectors is not None else 0
    return ItemsStatus(items.last_seq, len(items.added), n_with_text, waiting, faults)


def _created(text: str) -> int | None:
    """µs of a release's `created_at`; None where it is not known."""
    return round(datetime.fromisoformat(text).timestamp() * SECOND) if text else None


def _days(now: int, instant: int | None) -> float | None:
    """Days since an instant, 0 where it lies ahead; None where it is not known."""
    return None if instant is None else round(max(now - instant, 0) / MICROSECONDS_A_DAY, 3)


def _history(store: ReleaseStore) -> Sequence[Span]:
    """Empty where the pointer is damaged: `faults` says so."""
    try:
        return store.history()
    except ReleaseError:
        return []


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions
