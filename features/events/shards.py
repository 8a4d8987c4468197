"""Parquet shards of the event log: few large files for analysis and backup, checked against the log.

They are the only copy of events that have been retired from the database.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.errors import UserError
from features.events.clock import FAR_US
from features.events.event_log import SCHEMA, Event, EventLog
from features.table import write_parquet

SHARD_ROWS = 1_000_000
NAME = re.compile(r"events-(\d{12})-(\d{12})\.parquet")


@dataclass(frozen=True)
class Verification:
    """The result of checking the log; no faults: it is consistent. n_events: in the database; retired_through: the last
    event that has left it."""

    n_events: int
    last_seq: int
    n_shards: int
    compacted_through: int
    faults: tuple[str, ...]
    retired_through: int = 0


@dataclass(frozen=True, order=True)
class Shard:
    """One file: all events first..last of the log."""

    first: int
    last: int
    path: Path


def shards(folder: Path) -> list[Shard]:
    """The shards of a folder in order, without those that a larger one contains (a crash before their removal)."""
    files = _files(folder)
    return sorted(
        shard
        for shard in files
        if not any(other != shard and other.first <= shard.first and shard.last <= other.last for other in files)
    )


def _files(folder: Path) -> list[Shard]:
    matches = ((NAME.fullmatch(path.name), path) for path in folder.glob("events-*.parquet"))
    return [Shard(int(match[1]), int(match[2]), path) for match, path in matches if match]


def compact(log: EventLog, folder: Path) -> int:
    """Writes what comes after the last shard; one below SHARD_ROWS is written anew, longer. How many came in.

    Raises:
        UserError: events that have left the database are in no shard.
    """
    kept = shards(folder)
    for left in set(_files(folder)) - set(kept):
        left.path.unlink()
    begun = after = kept[-1].last if kept else 0
    retired = log.retired_through()
    if retired > after:
        raise UserError(
            f"{folder}: its shards end at event {after}, but events up to {retired} have left the database; put the "
            "folder back from its backup"
        )
    through = log.last_seq()
    while after < through:
        growing = kept[-1] if kept and kept[-1].last - kept[-1].first + 1 < SHARD_ROWS else None
        first = growing.first if growing else after + 1
        last = min(through, first + SHARD_ROWS - 1)
        target = folder / f"events-{first:012d}-{last:012d}.parquet"
        added = log.frame(after, last)
        write_parquet(pl.concat([_read(growing), added]) if growing else added, target)
        if growing:
            growing.path.unlink()
            kept.pop()
        kept.append(Shard(first, last, target))
        after = last
    return through - begun


def frame(log: EventLog, folder: Path, after_seq: int = 0, through_seq: int | None = None) -> pl.DataFrame:
    """Events as rows, in order of seq: from the database, and those that have left it from the shards.

    Raises:
        UserError: some are in neither.
    """
    retired = log.retired_through()
    if after_seq >= retired:
        return log.frame(after_seq, through_seq)
    last = retired if through_seq is None else min(retired, through_seq)
    within = pl.col("seq").is_between(after_seq + 1, last)
    parts = [_read(shard).filter(within) for shard in shards(folder) if shard.last > after_seq and shard.first <= last]
    n_rows = sum(part.height for part in parts)
    if n_rows != last - after_seq:
        raise UserError(
            f"{folder}: holds {n_rows} of the {last - after_seq} events {after_seq + 1} to {last} that have left the "
            "database; put the folder back from its backup"
        )
    return pl.concat([*parts, log.frame(last, through_seq)])


def retire(log: EventLog, folder: Path, known_before: int, through_seq: int) -> int:
    """Removes from the database what is known since before an instant [µs], up to an event; how many.

    Only events that a shard holds as the database does leave it; their digest stays, which `verify` compares.

    Raises:
        UserError: a shard differs from the database.
    """
    n_retired = 0
    for shard in shards(folder):
        first = log.retired_through() + 1
        through = min(shard.last, through_seq, log.last_known_before(known_before))
        if not shard.first <= first <= through:
            continue
        rows = log.frame(first - 1, through)
        if not _read(shard).filter(pl.col("seq").is_between(first, through)).equals(rows):
            raise UserError(
                f"{shard.path}: its rows differ from the database's; nothing more leaves the database; delete the file "
                "if it is the wrong one, and run `recops events compact`"
            )
        log.retire(first, through, digest(rows))
        n_retired += through - first + 1
    return n_retired


def restore(log: EventLog, folder: Path) -> int:
    """Puts the events that only the shards hold back into the database, which may be a new one; how many.

    Raises:
        UserError: the database is a new one that has recorded events of its own.
    """
    n_restored, kept, last = 0, shards(folder), log.last_seq()
    if kept and 0 < last < kept[-1].last:
        raise UserError(
            f"{folder}: holds events up to {kept[-1].last}, the database has recorded {last} of its own; restore into "
            "an empty database, or move the shards away"
        )
    first = log.retired_through() + 1 if last else (kept[-1].last + 1 if kept else 1)
    for shard in reversed(kept):
        rows = _read(shard).filter(pl.col("seq") < first)
        if rows.height:
            log.put_back([Event(*row) for row in rows.iter_rows()])
            n_restored += rows.height
    return n_restored


def digest(rows: pl.DataFrame) -> str:
    """Of events in order; depends on their values alone."""
    hashed = hashlib.sha256()
    for row in rows.iter_rows():
        hashed.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return hashed.hexdigest()


def verify(log: EventLog, folder: Path | None = None) -> Verification:
    """Order and completeness of the log, then each shard row for row against it; what has left the database by its
    digest."""
    last_seq, n_events, retired = log.last_seq(), log.count(), log.retired_through()
    faults: list[str] = []
    after, known_at = retired, -1
    while events := log.read(after, limit=50_000):
        for event in events:
            faults += _misplaced(event, after + 1, known_at)
            known_at, after = event.known_at, event.seq
    if after > last_seq and after > log.last_seq():
        faults.append(f"event log: seq {after} is beyond the counter {last_seq}; restore the database from its backup")
    kept = shards(folder) if folder is not None else []
    expected = 1 if retired else (kept[0].first if kept else 1)
    for shard in kept:
        if shard.first != expected:
            faults.append(
                f"{shard.path}: begins at seq {shard.first}, expected {expected}; compact into an empty folder"
            )
        expected = shard.last + 1
        faults += _differences(log, shard, retired)
    if folder is not None and not faults:
        faults += _retired_differences(log, folder)
    return Verification(n_events, last_seq, len(kept), kept[-1].last if kept else 0, tuple(faults), retired)


def _misplaced(event: Event, expected: int, known_at: int) -> list[str]:
    faults = []
    if event.seq != expected:
        faults.append(f"event log: seq {expected} is missing before {event.seq}; restore the database from its backup")
    if known_at - FAR_US <= event.known_at <= known_at:  # a longer fall ends a moment of a clock far ahead
        faults.append(f"event log: known_at of seq {event.seq} is not later than that of the one before")
    if event.timestamp > event.known_at:
        faults.append(f"event log: seq {event.seq} happened after it was known")
    return faults


def _differences(log: EventLog, shard: Shard, retired: int) -> list[str]:
    """Against the rows that are still in the database."""
    try:
        held = _read(shard)
    except (pl.exceptions.PolarsError, OSError) as error:
        return [f"{shard.path}: not readable ({error}); {_remedy(shard, retired)}"]
    complete = held.get_column("seq").equals(pl.Series("seq", range(shard.first, shard.last + 1), dtype=pl.Int64))
    if complete and held.filter(pl.col("seq") > retired).equals(log.frame(max(shard.first - 1, retired), shard.last)):
        return []
    return [f"{shard.path}: its rows differ from the log's; {_remedy(shard, retired)}"]


def _retired_differences(log: EventLog, folder: Path) -> list[str]:
    """Of what has left the database against the digests that it keeps."""
    faults = []
    for first, last, expected in log.retired():
        try:
            same = digest(frame(log, folder, first - 1, last)) == expected
        except UserError as error:
            faults.append(str(error))
            continue
        if not same:
            faults.append(f"{folder}: events {first} to {last} are not those that left the database; take its backup")
    return faults


def _remedy(shard: Shard, retired: int) -> str:
    if shard.first <= retired:
        return "put it back from its backup: the database no longer holds all of its events"
    return "delete it and run `recops events compact`"


def _read(shard: Shard) -> pl.DataFrame:
    return pl.read_parquet(shard.path).select(list(SCHEMA))
