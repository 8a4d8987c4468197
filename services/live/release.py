"""The live release: follows the pointer, loads and warms the next release, and keeps the old one if that fails."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from features.errors import UserError
from features.events.event_log import EventLog
from features.online.namespace import OnlineNamespace
from features.online.online_lookup import OnlineLookup
from features.online.pictures import read_pictures
from features.online.snapshot import snapshot_items, snapshot_users
from features.positives import Positives
from features.privacy.hashed_ids import IdHasher, IdKeyError, hasher_for
from features.resilience.repeats import RepeatLogger
from features.settings import Settings
from features.states.aggregates import STATE, STATS, write_about
from features.states.histories import USER_HISTORY
from features.states.item_states import ItemInfo, ItemStates
from models.data.queries import one_query
from models.recommender import Recommender
from models.release.bundle import BundleError, Manifest, unseal
from models.release.code import running_code
from models.release.plan import read_plan
from models.release.store import Release, ReleaseError, ReleaseStore, read_release
from services.instants import SECOND, fixed_instant
from services.live import bento
from services.live.sessions import Sessions

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

POLL_S = 1.0
RETRY_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One release ready to answer; a request takes the reference once and keeps it to its end.

    pictures: the https address of each item's picture, in the order of the vocabulary; empty where no item has one.
    """

    release: Release
    manifest: Manifest
    recommender: Recommender
    lookup: OnlineLookup
    sessions: Sessions
    users: pl.DataFrame
    loaded_at: int
    pictures: list[str | None]
    hasher: IdHasher | None = None

    def stored_id(self, user_id: str) -> str:
        """A user's id as data and log of this release hold it: a hash where its data were imported with --hash-ids."""
        return self.hasher(user_id) if self.hasher else user_id


class Live:
    """Holds `current`; `start` loads the first release and then follows the pointer in a thread of its own."""

    def __init__(
        self, settings: Settings, log: EventLog, *, on_load: Callable[[str, Serving | None], None] = lambda *_: None
    ) -> None:
        self.settings, self.log = settings, log
        self.store = ReleaseStore(settings.home)
        self.at = fixed_instant(settings.at)
        self.home_fault = bento.home_fault(settings)
        self.current: Serving | None = None
        self._previous: Serving | None = None  # a rollback needs no loading
        self._on_load = on_load
        self._refused: tuple[str, float] = ("", 0.0)
        self.refusal: tuple[str, str] | None = None  # the release that could not be loaded, and why
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Loads what is live; then follows. One that cannot be loaded leaves the service not ready, and trying."""
        self._keep_up()
        if self.current is None:
            logger.error("not ready: %s", self.missing())
        self._thread = threading.Thread(target=self._follow, name="live", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def refresh(self) -> bool:
        """Loads the wanted release when it is another; true when `current` changed."""
        with self._lock:
            return self._refresh()

    def _refresh(self) -> bool:
        wanted = self.wanted()
        current = self.current
        if wanted is None or (current is not None and current.release.release == wanted):
            return False
        refused, until = self._refused
        if refused == wanted and time.monotonic() < until:
            return False
        started = time.monotonic()
        try:
            kept = self._previous
            serving = kept if kept is not None and kept.release.release == wanted else self.load(wanted)
            serving.sessions.follow()
        except Exception as error:
            self._refused = (wanted, time.monotonic() + RETRY_S)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.refusal = (wanted, reason)
            repeats.exception("release=%s cannot be served; still serving=%s: %s", wanted, self._served(), reason)
            self._on_load("refused", None)
            return False
        self._previous, self.current, self.refusal = current, serving, None
        with suppress(ValueError):  # of the bundle inside a Bento it is not known
            made = datetime.fromisoformat(serving.release.created_at)
            self.log.note_passed(round(made.timestamp() * SECOND))
        logger.info("release=%s loaded in %.2f s", wanted, time.monotonic() - started)
        self._on_load("loaded", serving)
        return True

    def _served(self) -> str:
        return self.current.release.release if self.current is not None else "none"

    def wanted(self) -> str | None:
        """Name of the release to serve: the fixed one, the live one, or on request the bundle inside this Bento.

        A Bento loads releases of its own code only; for another one the supervisor starts that one's Bento.
        """
        if self.home_fault is not None:
            return None
        if self.settings.release == bento.ALONE and bento.is_bento():
            return bento.name_inside()
        return self.settings.release or self.store.live_for(running_code())

    def missing(self) -> str:
        """A sentence that says why nothing is served and what to do."""
        if self.home_fault is not None:
            return self.home_fault
        try:
            wanted, live = self.wanted(), self.store.live()
            tag = self.store.read(live).bento_tag if live is not None else None
        except ReleaseError as error:
            return str(error)
        if wanted is not None:
            try:
                self._hasher_of(self._find(wanted)[0])
            except IdKeyError as error:
                return str(error)
            except UserError:
                logger.debug("release=%s cannot be read", wanted)
            return f"release {wanted} is not loaded; the service's log says why"
        if live is not None:
            return f"release {live} needs the code of its own Bento {tag}; serve that one (`recops serve` does)"
        alone = f", or RECOPS_RELEASE={bento.ALONE} to serve its own bundle to everyone as a newcomer"
        return (
            f"no release is live in RECOPS_HOME={self.settings.home}; release one (`recops release`), or set "
            f"RECOPS_HOME to the folder where that was done{alone if bento.is_bento() else ''}"
        )

    def hasher(self) -> IdHasher | None:
        """The hasher of ids of events: that of the served release, else of the wanted one.

        Raises:
            UserError: that release's key is not set.
        """
        if self.current is not None:
            return self.current.hasher
        wanted = self.wanted()
        if wanted is not None:
            return self._hasher_of(self._find(wanted)[0])
        key = self.settings.id_key.get_secret_value()
        return IdHasher(key) if key else None

    def _hasher_of(self, release: Release) -> IdHasher | None:
        id_key, key = str(release.source.get("id_key") or ""), self.settings.id_key.get_secret_value()
        return hasher_for(id_key, key, f"release {release.release}")

    def load(self, wanted: str) -> Serving:
        """A release, loaded, checked against its hash and warmed.

        Raises:
            UserError: there is no such release, its bundle is not whole, its online namespace is missing, or the key of
                its hashed ids is not set.
        """
        release, folder, bundle = self._find(wanted)
        hasher = self._hasher_of(release)
        manifest = unseal(bundle)
        if manifest.hash != release.bundle_hash:
            raise BundleError(f"bundle {bundle}: its hash is {manifest.hash}, expected {release.bundle_hash}")
        plan = read_plan(bundle)
        positives = Positives.of(plan.targets)
        info = ItemInfo.from_catalogue(pl.read_parquet(bundle / "catalogue" / "catalogue.parquet"))
        through = release.events_through
        items = snapshot_items(folder, info.item_ids, through) or _no_states(info.item_ids, positives, through)
        namespace = OnlineNamespace(self.settings, release.namespace)
        if not folder.joinpath("release.json").is_file():
            _fill_empty(namespace, positives)
        lookup = OnlineLookup(namespace, items, info)
        recommender = Recommender.load(bundle, lookup)
        sessions = Sessions(namespace, self.log, items, info, events_through=through, at=self.at)
        release = replace(release, release=wanted) if self.settings.release else release
        serving = Serving(
            release=release,
            manifest=manifest,
            recommender=recommender,
            lookup=lookup,
            sessions=sessions,
            users=snapshot_users(folder),
            loaded_at=self.log.now(),
            pictures=read_pictures(folder, info.item_ids),
            hasher=hasher,
        )
        _warm(serving, self.at if self.at is not None else self.log.now())
        return serving

    def _find(self, wanted: str) -> tuple[Release, Path, Path]:
        """The release, its folder and its bundle."""
        if (Path(wanted) / "release.json").is_file():
            folder = Path(wanted).absolute()
            return read_release(folder / "release.json"), folder, folder / "bundle"
        if wanted.startswith("bento-") and not self.store.folder(wanted).exists():
            return bento.release_inside(wanted), bento.INSIDE.parent, bento.INSIDE
        return self.store.read(wanted), self.store.folder(wanted), self.store.bundle(wanted)

    def _follow(self) -> None:
        while not self._ended.wait(POLL_S):
            self._keep_up()

    def _keep_up(self) -> None:
        """Loads the wanted release and follows new events; a fault is logged, and retried a second later."""
        try:
            self.refresh()
            if (serving := self.current) is not None:
                serving.sessions.follow()
        except Exception as error:
            repeats.exception("release=%s goes on as it is: %s", self._served(), error)


def _fill_empty(namespace: OnlineNamespace, positives: Positives) -> None:
    """A namespace without users, once."""
    if namespace.place.read_notes() is not None:
        return
    with tempfile.TemporaryDirectory(prefix="recops-empty-") as scratch:
        for table in STATS.values():
            table.write(table.empty(), Path(scratch) / f"{table.name}.parquet")
        write_about(Path(scratch), positives)
        namespace.materialize(Path(scratch), USER_HISTORY.empty(), 0)


def _no_states(item_ids: list[str], positives: Positives, through: int) -> ItemStates:
    return ItemStates(item_ids, np.full((len(item_ids), len(STATE)), np.nan), positives, through)


def _warm(serving: Serving, at: int) -> None:
    """Warms up with requests for an unknown user and a few known ones; a release that cannot answer is not served."""
    recommender, sessions = serving.recommender, serving.sessions
    known_users = serving.users["user_id"].head(3).to_list()
    for user_id in ["", *known_users]:
        state = sessions.namespace.users([user_id])[0]
        query = one_query(
            user_id,
            at,
            state.item_ids,
            state.timestamps,
            recommender.catalogue.vocabulary,
            positive=state.positive.tolist(),
            unavailable=recommender.available(at),
        )
        slate = recommender.recommend(query, 10)
        recommender.explain(query, slate)
    if recommender.catalogue.n_items:
        recommender.similar(0, 10)
