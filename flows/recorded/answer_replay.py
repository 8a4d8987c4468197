"""Replay of recorded answers from the release's files and the event log, without a service."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.errors import UserError
from features.events.event_log import EventLog
from features.online.namespace import OnlineNamespace
from features.online.online_lookup import OnlineLookup
from features.online.snapshot import snapshot_items
from features.online.user_update import UserUpdate
from features.positives import Positives
from features.settings import Settings
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from models.flight.as_known import AsKnown, state_as_of
from models.flight.records.flight_folder import FlightFolder
from models.flight.records.record import FlightRecord
from models.flight.replay import knows_items, replayed
from models.learning.base import FOLDER as LEARNING
from models.learning.base import read_base
from models.learning.catch_up import catch_up
from models.learning.learned_recommender import learned
from models.learning.learner import Learner
from models.recommender import LONG, Recommender
from models.release.plan import read_plan
from models.release.store import ReleaseStore

A_READ = 50_000


@dataclass(frozen=True, kw_only=True)
class ReleaseAtHand:
    """A release's recommender, and what it knows of users and items from its own files and stores."""

    recommender: Recommender
    lookup: OnlineLookup
    namespace: OnlineNamespace
    items: ItemStates
    info: ItemInfo
    positives: Positives
    events_through: int
    learning: Path


def find_record(settings: Settings, request_id: str) -> FlightRecord:
    """The record of a request.

    Raises:
        UserError: there is none.
    """
    record = FlightFolder(settings.home).find(request_id)
    if record is None:
        raise UserError(
            f"there is no record of request '{request_id}' in {settings.home / 'flight'}: it was not recorded "
            "(RECOPS_RECORD_SHARE), is older than RECOPS_RECORD_DAYS, or was erased"
        )
    return record


def newest_records(settings: Settings, n: int) -> list[FlightRecord]:
    """The n newest records, oldest first."""
    newest: deque[FlightRecord] = deque(FlightFolder(settings.home).records(), maxlen=n)
    return sorted(newest, key=lambda record: record.request_id)


@contextmanager
def release_of(settings: Settings, release: str) -> Iterator[ReleaseAtHand]:
    """The release that answered.

    Raises:
        UserError: it is gone, or this code cannot load it.
    """
    store = ReleaseStore(settings.home)
    description, bundle = store.read(release), store.bundle(release)
    info = ItemInfo.from_catalogue(pl.read_parquet(bundle / "catalogue" / "catalogue.parquet"))
    items = snapshot_items(store.folder(release), info.item_ids, description.events_through)
    if items is None:
        raise UserError(f"release {release} has no states of items in {store.folder(release)}; pull it again")
    namespace = OnlineNamespace(settings, description.namespace)
    try:
        lookup = OnlineLookup(namespace, items, info)
        positives = Positives.of(read_plan(bundle).targets)
        yield ReleaseAtHand(
            recommender=Recommender.load(bundle, lookup),
            lookup=lookup,
            namespace=namespace,
            items=items,
            info=info,
            positives=positives,
            events_through=description.events_through,
            learning=store.folder(release) / LEARNING,
        )
    finally:
        namespace.close()


def as_known(record: FlightRecord, release: ReleaseAtHand, log: EventLog) -> AsKnown:
    """What the answer knew: the history and the item states as of the recorded log positions."""
    state = _state(record, release, log)
    _advance(release.items, log, record.items_position)
    return AsKnown(
        record=record,
        recommender=_as_learned(release, log, record.learned_position),
        lookup=release.lookup.bound([state]),
        state=state,
        unavailable=release.recommender.available(record.at),
    )


def same_lists(settings: Settings, records: list[FlightRecord]) -> tuple[int, list[str]]:
    """How many records replay to their list to the bit, and the ids of those that do not; lists of more than 100, and
    those with items that were posted after the release, count in neither."""
    n_same, others = 0, []
    for release in sorted({record.release for record in records}):
        with release_of(settings, release) as at_hand:
            for record in records:
                if record.release != release or record.k > LONG or not knows_items(record, at_hand.recommender):
                    continue
                if replayed(record, at_hand.recommender).same:
                    n_same += 1
                else:
                    others.append(record.request_id)
    return n_same, others


def _state(record: FlightRecord, release: ReleaseAtHand, log: EventLog) -> UserState:
    """The stored state holds events up to some point: later ones of the log are taken in, and those after the record
    are taken out."""
    state = release.namespace.users([record.user_id])[0]
    missing = [event for event in log.of_user(record.user_id, state.last_seq) if event.seq <= record.log_position]
    if missing:
        update = UserUpdate(state, missing, release.info, release.positives)
        update.advance_user(state.last_seq)
        state = update.state
    later = [event for event in log.of_user(record.user_id, record.log_position) if event.seq <= state.last_seq]
    return state_as_of(state, later)


def _as_learned(release: ReleaseAtHand, log: EventLog, position: int | None) -> Recommender:
    """The recommender with what it had learned up to a position of the log; None: nothing."""
    base = None if position is None else read_base(release.learning)
    if position is None or base is None:
        return release.recommender
    recommender = release.recommender
    learner = Learner(recommender.retrievers, recommender.catalogue, base, release.positives, release.events_through)
    catch_up(learner, log, position)
    return learned(recommender, learner)


def _advance(items: ItemStates, log: EventLog, position: int) -> None:
    while items.last_seq < position:
        events = [event for event in log.read(items.last_seq, A_READ) if event.seq <= position]
        if not events:
            return
        items.record_all(events)
