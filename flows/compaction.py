"""Flow `compaction`: the event log's new events into parquet shards under RECOPS_HOME/events, and old ones out of the
database, hourly."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

from features.arrays import MICROSECONDS_A_DAY
from features.errors import RefusedError
from features.events import shards
from features.events.clock import clock
from features.events.event_log import EventLog
from features.settings import Settings
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dataset import Project
from flows.project.imports import exported_through
from models.release.store import ReleaseStore

logger = logging.getLogger("flows.compaction")  # Prefect loads this file by its path, under another __name__


def compact_events(settings: Settings) -> str:
    """Writes events that no shard holds yet; says how many. Run again after a crash, it goes on where it was."""
    with closing(EventLog(settings.events_url)) as log:
        return f"{shards.compact(log, settings.event_shards)} events written to {settings.event_shards}"


def retire_events(project: Project, settings: Settings, *, now: int | None = None) -> str:
    """Removes from the database what RECOPS_EVENT_RETENTION_DAYS no longer keeps there; says how many.

    An event stays as long as the data do not hold it, or a release that can go live was made before it. Its age is told
    by the newest event or by the clock, whichever is earlier: a clock that is ahead removes nothing.
    """
    if settings.event_retention_days is None:
        return "0 events have left the database: RECOPS_EVENT_RETENTION_DAYS is not set"
    releases = ReleaseStore(settings.home).list()
    through = min([exported_through(project), *(release.events_through for release in releases)])
    wall = clock() if now is None else now
    with closing(EventLog(settings.events_url)) as log:
        newest = [event.known_at for event in log.read(log.last_seq() - 1, limit=1)]
        before = min([wall, *newest]) - settings.event_retention_days * MICROSECONDS_A_DAY
        n_events = shards.retire(log, settings.event_shards, before, through)
    return f"{n_events} events have left the database"


def restore_events(settings: Settings) -> str:
    """Puts the events that only the shards hold back into the database; says how many."""
    with closing(EventLog(settings.events_url)) as log:
        return f"{shards.restore(log, settings.event_shards)} events restored from {settings.event_shards}"


def verify_events(settings: Settings) -> str:
    """What a check of the log and its shards found.

    Raises:
        RefusedError: they do not agree.
    """
    with closing(EventLog(settings.events_url)) as log:
        result = shards.verify(log, settings.event_shards)
    if result.faults:
        raise RefusedError(f"event log {settings.event_shards}: {'; '.join(result.faults)}")
    retired = f", those up to {result.retired_through} in shards alone" if result.retired_through else ""
    through = f"{result.n_shards} shards up to {result.compacted_through}"
    return f"{result.n_events} events up to {result.last_seq}{retired}; {through}: sound"


@recops_task(name="compact", retries=2, retry_delay_seconds=5)
def _compact(settings: Settings) -> str:
    return f"{compact_events(settings)}; {retire_events(Project(Path()), settings)}"


@recops_flow(name="compaction")
def compaction_flow() -> str:
    """The event log's new events into parquet shards, and old ones out of the database."""
    enforce_restart_limit()
    summary = str(_compact(Settings()))
    logger.info("%s", summary)
    return summary


if __name__ == "__main__":
    main(compaction_flow)
