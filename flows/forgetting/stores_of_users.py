"""The table of stores: every place below RECOPS_HOME that knows users, and how one is erased from it.

A place that is missing here fails tests/contract/test_stores_of_users.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from features.events.erase_events import erase_user as erase_events
from features.events.event_log import EventLog
from features.files import write_text
from features.online.erase_rows import erase_user as erase_rows
from features.online.namespace import OnlineNamespace
from features.online.snapshot import CARRIED_USERS, USERS_FILE
from features.settings import Settings
from features.streams.dead_letters import DeadLetters
from features.table import write_parquet
from flows.asking.answer_shards import journal_of
from models.flight.records.flight_folder import FlightFolder
from models.language.conversation.conversations import erase_conversations
from models.language.ledger import erase_user as erase_answers
from models.language.writing.released_texts import erase_profile
from models.learning.erasure import forget_learned
from models.release.running import running_services
from models.release.store import ReleaseStore

WORKERS_SEE_S = 3.0  # running workers look for erasures every second


@dataclass(frozen=True, kw_only=True)
class Store:
    """One place. holds: what it knows of a user; paths: names below RECOPS_HOME; erase: (settings, id of the user as
    the data hold it) → how many things were erased."""

    name: str
    holds: str
    paths: tuple[str, ...]
    erase: Callable[[Settings, str], int]


def _events(settings: Settings, user_id: str) -> int:
    if not _has_log(settings):
        return 0
    log = EventLog(settings.events_url)
    try:
        return erase_events(log, settings.event_shards, user_id)
    finally:
        log.close()


def _dead_letters(settings: Settings, user_id: str) -> int:
    if not _has_log(settings):
        return 0
    log = EventLog(settings.events_url)
    try:
        return DeadLetters(log.database).erase_user(user_id)
    finally:
        log.close()


def _learned(settings: Settings, user_id: str) -> int:
    """Rows leave the base of learning, and its sums are added up anew; workers read both again."""
    store = ReleaseStore(settings.home)
    return sum(forget_learned(store.folder(one.release), user_id) for one in store.list())


def _flight(settings: Settings, user_id: str) -> int:
    return FlightFolder(settings.home).erase(user_id, time.time_ns() // 1000)


def _memory(settings: Settings, user_id: str) -> int:
    """Running workers read from the list of erased users whom they must not hold in memory any more."""
    n_services = len(running_services(settings.home))
    if n_services:
        time.sleep(WORKERS_SEE_S)
    return n_services


def _online(settings: Settings, user_id: str) -> int:
    n_keys = 0
    for release in ReleaseStore(settings.home).list():
        namespace = OnlineNamespace(settings, release.namespace)
        try:
            n_keys += erase_rows(namespace, user_id)
        finally:
            namespace.close()
    return n_keys


def _snapshots(settings: Settings, user_id: str) -> int:
    n_lists = 0
    store = ReleaseStore(settings.home)
    for release in store.list():
        path = store.folder(release.release) / USERS_FILE
        users = CARRIED_USERS.read(path) if path.is_file() else CARRIED_USERS.empty()
        if (users["user_id"] == user_id).any():
            write_parquet(users.filter(pl.col("user_id") != user_id), path)
            n_lists += 1
    return n_lists


def _impressions(settings: Settings, user_id: str) -> int:
    """A file is moved aside before it is read: what is shown meanwhile begins a new one."""
    n_lines = 0
    for path in sorted((settings.home / "impressions").glob("*.jsonl")):
        if not _has_line(path, user_id):
            continue
        aside = path.with_name(f"{path.stem}.{time.time_ns()}.jsonl")
        path.rename(aside)
        lines = aside.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not _is_of(line, user_id)]
        n_lines += len(lines) - len(kept)
        write_text("".join(f"{line}\n" for line in kept), aside)
    return n_lines


def _profiles(settings: Settings, user_id: str) -> int:
    """Services read them from the file each time."""
    store = ReleaseStore(settings.home)
    return sum(erase_profile(store.folder(one.release), user_id) for one in store.list())


STORES = (
    Store(name="event log", holds="what they did", paths=("events.db", "events"), erase=_events),
    Store(name="learned counts", holds="what learning begins with", paths=("releases",), erase=_learned),
    Store(name="flight records", holds="the lists that they got", paths=("flight",), erase=_flight),
    Store(
        name="sessions",
        holds="their state, and lists for when they ask again, in memory of the service",
        paths=(),
        erase=_memory,
    ),
    Store(name="online rows", holds="their history and counts", paths=("online",), erase=_online),
    Store(name="impressions", holds="lists with drawn places", paths=("impressions",), erase=_impressions),
    Store(
        name="answers",
        holds="what a language model said of them",
        paths=("answers.db",),
        erase=lambda settings, user_id: erase_answers(journal_of(settings), user_id),
    ),
    Store(
        name="conversations",
        holds="what they asked for, and what was shown",
        paths=("conversations.db",),
        erase=lambda settings, user_id: erase_conversations(settings.home / "conversations.db", user_id),
    ),
    Store(name="profiles", holds="what a language model wrote of them", paths=("releases",), erase=_profiles),
    Store(name="dead letters", holds="events that were refused", paths=("events.db",), erase=_dead_letters),
    Store(name="releases", holds="their id, and how many events", paths=("releases",), erase=_snapshots),
)
KNOW_NOBODY = (
    *("bentoml", "prefect", "services", "HISTORY", "cache", "item-encoder.lock", "skew.json"),
    *("answers.lock", "prefect.log", "service.log"),
)
"""Names below RECOPS_HOME, as the code writes them, that hold no user."""
TABLES = {"events": "event log", "dead_letters": "dead letters", "conversations": "conversations"}
"""Tables with a column `user_id` → the store that erases from them."""


def _has_log(settings: Settings) -> bool:
    return bool(settings.database_url) or (settings.home / "events.db").is_file()


def _has_line(path: Path, user_id: str) -> bool:
    with path.open(encoding="utf-8") as lines:
        return any(_is_of(line, user_id) for line in lines)


def _is_of(line: str, user_id: str) -> bool:
    try:
        return bool(msgspec.json.decode(line).get("user_id") == user_id)
    except msgspec.DecodeError:
        return False
