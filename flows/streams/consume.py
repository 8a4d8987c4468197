"""Consumes a stream into the project's event log until it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

from features.errors import UserError
from features.events.database import Patience
from features.events.event_log import EventLog
from features.privacy.hashed_ids import IdHasher, hasher_for, read_id_key
from features.settings import Settings
from features.streams.consumer import Consumer
from features.streams.counts import Counts
from features.streams.dead_letters import DeadLetters
from features.streams.opening import open_source
from flows.project.dataset import Project
from flows.project.under_dvc import RAW
from models.release.store import ReleaseStore

WAITS = Patience(read_s=5.0, write_s=30.0)


def consume(
    project: Project,
    settings: Settings,
    url: str,
    *,
    batch: int,
    report_s: float,
    until_empty: bool = False,
    on_start: Callable[[Counts], None] = lambda counts: None,
) -> tuple[str, bool]:
    """The totals in a sentence, and whether SIGINT ended it (SIGTERM, or an empty stream: not).

    Raises:
        UserError: the URL is wrong, the stream is not there, the key of hashed ids is missing, or RECOPS_AT is set.
    """
    if settings.at:
        raise UserError("RECOPS_AT is set: a replay records nothing; unset it to consume a stream")
    with closing(open_source(url)) as source, closing(EventLog(settings.events_url, patience=WAITS)) as log:
        counts = Counts(source.name, report_s)
        consumer = Consumer(
            source,
            log,
            DeadLetters(log.database),
            hasher=lambda: hasher_of(project, settings),
            batch=batch,
            counts=counts,
        )
        hasher_of(project, settings)  # a missing key is said before anything is fetched
        on_start(counts)
        with _ended_by_signals(consumer) as received:
            consumer.run(until_empty=until_empty)
    return counts.text(), signal.SIGINT in received


def hasher_of(project: Project, settings: Settings) -> IdHasher | None:
    """The hasher of users' ids, as the service has it: that of the live release, else of the project's data.

    Raises:
        UserError: its key is not set, or is another one.
    """
    key = settings.id_key.get_secret_value()
    store = ReleaseStore(settings.home)
    live = store.live()
    if live is not None:
        return hasher_for(str(store.read(live).source.get("id_key") or ""), key, f"release {live}")
    id_key = read_id_key(project.root / RAW / "source.json")
    if id_key:
        return hasher_for(id_key, key, RAW)
    return IdHasher(key) if key else None


@contextmanager
def _ended_by_signals(consumer: Consumer) -> Iterator[list[int]]:
    """SIGTERM and SIGINT end the consumer after the commit under way; the signals that came."""
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        consumer.stop()
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once, which loses nothing either

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
