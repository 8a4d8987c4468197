"""The live release: follows the pointer, loads and warms the next release, and keeps the old one if that fails."""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from features.catalogue_changes.item_log import ItemLog
from features.catalogue_changes.text_store import TextStore
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
from features.states.growing_items import GrowingItemStates
from features.states.histories import USER_HISTORY
from features.states.item_states import ItemInfo, ItemStates
from models.data.tables import WORDS
from models.interfaces import AddsItems
from models.language.encoders.words import Words
from models.language.writing.released_texts import ReleasedTexts
from models.learning.base import FOLDER as LEARNING
from models.recommender import Recommender
from models.release.bundle import BundleError, unseal
from models.release.code import running_code
from models.release.plan import read_plan
from models.release.store import Release, ReleaseError, ReleaseStore, read_release
from services.instants import SECOND, fixed_instant
from services.live import bento
from services.live.catalogue_texts import CatalogueTexts
from services.live.items.growth import Grown, Growth
from services.live.items.keeper import GrowsByItems, Keeper
from services.live.items.live_items import LiveItems
from services.live.items.side_encoder import SideEncoder
from services.live.items.text_vectors import TextVectors
from services.live.learning.release_learning import LearningThread, ReleaseLearning
from services.live.online import online_form, search_of
from services.live.serving import Serving
from services.live.sessions import Sessions
from services.live.trials import Trials

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

POLL_S = 1.0
RETRY_S = 15.0
SWITCH_S = 0.001  # so long may a thread keep the others from running: Python's own 5 ms are as long as an answer
YIELD_S = 0.0005  # the same while a release is loaded beside one that answers


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
        self._prepared: Serving | None = None  # loaded before the pointer names it
        self.trials = Trials(settings.home, self.store, self.load)
        self._on_load = on_load
        self._refused: tuple[str, float] = ("", 0.0)
        self.refusal: tuple[str, str] | None = None  # the release that could not be loaded, and why
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.texts = TextStore(log.database)
        self.encoder = SideEncoder(self.texts, settings.home, settings.encoder)
        self.keeper = Keeper(self._answering, self._replace, self._want_encoder)
        self.learning = LearningThread(self._that_learn)

    def start(self) -> None:
        """Loads what is live; then follows. One that cannot be loaded leaves the service not ready, and trying."""
        self._keep_up()
        if self.current is None:
            logger.error("not ready: %s", self.missing())
        self._thread = threading.Thread(target=self._follow, name="live", daemon=True)
        self._thread.start()
        if self.at is None:
            self.keeper.start()
            self.learning.start()
            if self.settings.item_encoder == "warm" and self.current is not None and self.current.vectors is not None:
                self.encoder.start()

    def stop(self) -> None:
        self._ended.set()
        self.learning.stop()
        self.keeper.stop()
        self.encoder.stop()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.trials.close()
        for serving in (self.current, self._previous):
            if serving is not None:
                serving.sessions.close()

    def in_memory(self) -> list[Serving]:
        """Every release that is loaded: the live one, the one before it, a prepared one, the one on trial."""
        trial = self.trials.running
        loaded = (self.current, self._previous, self._prepared, trial.serving if trial is not None else None)
        return [serving for serving in loaded if serving is not None]

    def prepare(self, release: str) -> None:
        """Loads a release that the pointer is about to name; `refresh` then finds it.

        Raises:
            UserError: see `load`.
        """
        with self._lock:
            if self._kept(release) is None and (self.current is None or self.current.release.release != release):
                self._prepared = self.load(release)

    def releases(self) -> dict[str, str]:
        """Role (`live`, `canary` or `shadow`) → the release that has it in this worker."""
        roles = {} if self.current is None else {"live": self.current.release.release}
        running = self.trials.running
        return roles if running is None else {**roles, running.trial.mode: running.trial.release}

    def forget_prepared(self) -> None:
        """Lets go of a prepared release, whether it went live or not."""
        with self._lock:
            prepared, self._prepared = self._prepared, None
            if prepared is not None and not prepared.is_form_of(self.current):
                prepared.sessions.close()

    def _kept(self, release: str) -> Serving | None:
        """A release that is loaded already."""
        kept = [self._previous, self._prepared, self.trials.kept(release)]
        return next((one for one in kept if one is not None and one.release.release == release), None)

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
            serving = self._kept(wanted) or self.load(wanted)
            serving.sessions.follow()
        except Exception as error:
            self._refused = (wanted, time.monotonic() + RETRY_S)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.refusal = (wanted, reason)
            repeats.exception("release=%s cannot be served; still serving=%s: %s", wanted, self._served(), reason)
            self._on_load("refused", None)
            return False
        left = self._previous
        self._previous, self.current, self.refusal = current, serving, None
        if left is not None and not left.is_form_of(serving):
            left.sessions.close()
        with suppress(ValueError):  # of the bundle inside a Bento it is not known
            made = datetime.fromisoformat(serving.release.created_at)
            self.log.note_passed(round(made.timestamp() * SECOND))
        logger.info("release=%s loaded in %.2f s", wanted, time.monotonic() - started)
        self._on_load("loaded", serving)
        return True

    def _replace(self, served: GrowsByItems, grown: Grown) -> None:
        """Puts the grown form of a release in its place, if it is still the served one."""
        with self._lock:
            running = self.trials.running
            if (current := self.current) is not None and current is served:
                self.current = _grown(current, grown)
            elif running is not None and running.serving is served:
                current, running.serving = running.serving, _grown(running.serving, grown)
            else:
                return
            if grown.recommender.catalogue.n_items > current.recommender.catalogue.n_items:
                current.sessions.vocabulary_grew()

    def _that_learn(self) -> list[ReleaseLearning]:
        """What the answering releases learn, and what others must forget."""
        answering = [serving.growth.learning for serving in self._answering()]
        outdated = [serving.growth.learning for serving in self.in_memory()]
        outdated = [one for one in outdated if one is not None and one.is_outdated and one not in answering]
        return [one for one in [*answering, *outdated] if one is not None]

    def _answering(self) -> list[GrowsByItems]:
        """The live release, and the one on trial."""
        running = self.trials.running
        answering = [self.current, running.serving if running is not None else None]
        return [serving for serving in answering if serving is not None]

    def _want_encoder(self) -> None:
        if self.settings.item_encoder != "off":
            self.encoder.start()

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
        """A release, loaded, checked against its hash and warmed; beside another one it lets that one answer.

        Raises:
            UserError: there is no such release, its bundle is not whole, its online namespace is missing, or the key of
                its hashed ids is not set.
        """
        if self.current is None:
            return self._load(wanted)
        sys.setswitchinterval(YIELD_S)
        try:
            return self._load(wanted)
        finally:
            sys.setswitchinterval(SWITCH_S)

    def _load(self, wanted: str) -> Serving:
        release, folder, bundle = self._find(wanted)
        hasher = self._hasher_of(release)
        manifest = unseal(bundle)
        if manifest.hash != release.bundle_hash:
            raise BundleError(f"bundle {bundle}: its hash is {manifest.hash}, expected {release.bundle_hash}")
        plan = read_plan(bundle)
        positives = Positives.of(plan.targets)
        info = ItemInfo.from_catalogue(pl.read_parquet(bundle / "catalogue" / "catalogue.parquet"))
        through = release.events_through
        states = snapshot_items(folder, info.item_ids, through) or _no_states(info.item_ids, positives, through)
        items = GrowingItemStates(states, info)
        namespace = OnlineNamespace(self.settings, release.namespace)
        if not folder.joinpath("release.json").is_file():
            _fill_empty(namespace, positives)
        lookup = OnlineLookup(namespace, items, info)
        recommender = Recommender.load(bundle, lookup)
        sessions = Sessions(
            namespace,
            self.log,
            items,
            info,
            events_through=through,
            at=self.at,
            most_users=self.settings.session_users,
            most_bytes=self.settings.session_mb << 20,
        )
        release = replace(release, release=wanted) if self.settings.release else release
        posted = LiveItems(None if self.at is not None else ItemLog(self.log.database), recommender.catalogue)
        posted.follow()
        grows = recommender.catalogue.vectors is not None and self.settings.item_encoder != "off"
        grows &= any(isinstance(part, AddsItems) for part in recommender.retrievers.values())
        vectors = None
        if grows and self.at is None:
            vectors = TextVectors(self.texts, self.settings.encoder, recommender.catalogue, bundle)
        search = search_of(self.settings, manifest.hash)
        online = online_form(recommender, items, info, search)
        learning = self._learning_of(folder, recommender, through, posted)
        words, texts = _words_of(bundle), ReleasedTexts.read(folder, info.item_ids)
        serving = Serving(
            release=release,
            manifest=manifest,
            recommender=recommender,
            lookup=lookup,
            online=online,
            sessions=sessions,
            items=posted,
            growth=Growth(recommender, online, items, posted, self.log, search, learning, words),
            vectors=vectors,
            users=snapshot_users(folder),
            loaded_at=self.log.now(),
            pictures=read_pictures(folder, info.item_ids),
            texts=texts,
            catalogue_texts=CatalogueTexts(bundle, texts.keywords, posted, words),
            hasher=hasher,
        )
        if posted.content_seq or learning is not None:
            serving = _grown(serving, serving.growth.grown(vectors.of(posted, queue=False) if vectors else {}))
        _warm(serving, self.at if self.at is not None else self.log.now())
        return serving

    def _learning_of(
        self, folder: Path, recommender: Recommender, through: int, items: LiveItems
    ) -> ReleaseLearning | None:
        """What the release learns, the log taken in; None where it was made without, or at a fixed instant."""
        if self.at is not None or not (folder / LEARNING).is_dir():
            return None
        try:
            learning = ReleaseLearning(folder / LEARNING, recommender, self.log, through, items.changed.set)
        except (OSError, ValueError, KeyError, UserError):
            logger.exception("%s cannot be read: this release learns nothing", folder / LEARNING)
            return None
        learning.try_to_keep_up()
        return learning

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
            if self.at is None and not self.settings.release:
                self.trials.follow(serving, self._previous)
        except Exception as error:
            repeats.exception("release=%s goes on as it is: %s", self._served(), error)


def _words_of(bundle: Path) -> Words | None:
    """The bundle's encoder of words; None where older code made it."""
    folder = bundle / "vectors" / WORDS
    return Words.load(folder) if folder.is_dir() else None


def _grown(serving: Serving, grown: Grown) -> Serving:
    more = grown.recommender.catalogue.n_items - len(serving.pictures)
    pictures = [*serving.pictures, *[None] * more] if serving.pictures else []
    return replace(
        serving,
        recommender=grown.recommender,
        online=grown.online,
        mark=grown.mark,
        learned_position=grown.learned_position,
        pictures=pictures,
    )


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
    sessions.warm()
    known_users = serving.users["user_id"].head(3).to_list()
    for user_id in ["", *known_users]:
        session = sessions.session(user_id)
        if session.fault is not None:
            raise UserError(session.fault)
        query = session.query(at, unavailable=serving.unavailable(at))
        answer = serving.online.recommend(query, 10, session.user_rows())
        serving.online.explain(query, answer)
    if recommender.catalogue.n_items:
        serving.online.similar(0, 10, query.blocked)
