"""Flow `compaction`: the event log's new events into parquet shards under RECOPS_HOME/events, hourly."""

from __future__ import annotations

import logging
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from features.errors import RefusedError
from features.events.event_log import EventLog
from features.settings import Settings
from flows.orchestration.notify import notify_hooks
from flows.orchestration.restarts import enforce_restart_limit

logger = logging.getLogger(__name__)


def shards_of(settings: Settings) -> Path:
    """Where the shards lie."""
    return settings.home / "events"


def compact_events(settings: Settings) -> str:
    """Writes events that no shard holds yet; says how many. Run again after a crash, it goes on where it was."""
    log = EventLog(settings.events_url)
    try:
        return f"{log.compact(shards_of(settings))} events written to {shards_of(settings)}"
    finally:
        log.close()


def verify_events(settings: Settings) -> str:
    """What a check of the log and its shards found.

    Raises:
        RefusedError: they do not agree.
    """
    log = EventLog(settings.events_url)
    try:
        found = log.verify(shards_of(settings))
    finally:
        log.close()
    if found.faults:
        raise RefusedError(f"event log {shards_of(settings)}: {'; '.join(found.faults)}")
    through = f"{found.n_shards} shards up to {found.compacted_through}"
    return f"{found.n_events} events up to {found.last_seq}; {through}: sound"


@task(name="compact", cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=5)
def _compact(settings: Settings) -> str:
    return compact_events(settings)


@flow(name="compaction", persist_result=False, validate_parameters=False, **notify_hooks())
def compaction_flow() -> str:
    """The event log's new events into parquet shards."""
    enforce_restart_limit()
    said = str(_compact(Settings()))
    logger.info("%s", said)
    return said


if __name__ == "__main__":
    compaction_flow()
