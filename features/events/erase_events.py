"""Erasing a user from the event log and its shards: the events stay, and each becomes one of a stranger.

Sequence numbers, kinds, items and times stay, so that the counts of items, the order of the log and its checks hold;
what says whose events they were, and that they were of one person, is gone.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.events import shards
from features.events.event_log import SCHEMA, EventLog
from features.table import write_parquet

_COUNT = "select count(*) from events where user_id = ?"
_UPDATE = (
    "update events set user_id = 'erased-' || seq, event_id = 'erased-' || seq, request_id = null where user_id = ?"
)


def erase_user(log: EventLog, folder: Path, user_id: str) -> int:
    """Erases a user from the log's database and its shards; how many events were theirs.

    Raises:
        DatabaseError: the database refuses; shards are as they were.
    """
    log.last_seq()  # the tables are there
    n_events = _erase_rows(log, user_id)
    for shard in shards.shards(folder):
        rows = pl.read_parquet(shard.path)
        theirs = rows.get_column("user_id") == user_id
        if theirs.any():
            write_parquet(_anonymous(rows, user_id), shard.path)
            n_events += int((theirs & (rows.get_column("seq") <= log.retired_through())).sum())
    for first, last, digest in log.retired():
        changed = shards.digest(shards.frame(log, folder, first - 1, last))
        if changed != digest:
            with log.database.transaction(write=True) as statements:
                statements.execute("update events_retired set digest = ? where first_seq = ?", (changed, first))
    return n_events


def _erase_rows(log: EventLog, user_id: str) -> int:
    with log.database.transaction(write=True) as statements:
        n_events = int(statements.execute(_COUNT, (user_id,))[0][0])
        statements.execute(_UPDATE, (user_id,))
    log.database.overwrite_erased()
    return n_events


def _anonymous(rows: pl.DataFrame, user_id: str) -> pl.DataFrame:
    theirs, stranger = pl.col("user_id") == user_id, pl.format("erased-{}", "seq")
    return rows.with_columns(
        event_id=pl.when(theirs).then(stranger).otherwise("event_id"),
        request_id=pl.when(theirs).then(None).otherwise("request_id"),
        user_id=pl.when(theirs).then(stranger).otherwise("user_id"),
    ).select(list(SCHEMA))
