"""Parquet shards of the event log: few large files for analysis and backup, checked against the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from features.table import write_parquet

SHARD_ROWS = 1_000_000
NAME = re.compile(r"events-(\d{12})-(\d{12})\.parquet")


class Numbered(Protocol):
    """What is looked at of an event. Times in µs."""

    @property
    def seq(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def known_at(self) -> int: ...


class Log(Protocol):
    """What shards need of the event log (features.events.event_log.EventLog)."""

    def read(self, after_seq: int = 0, limit: int = 10_000) -> Sequence[Numbered]: ...
    def last_seq(self) -> int: ...
    def count(self) -> int: ...
    def frame(self, after_seq: int = 0, through_seq: int | None = None) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Verification:
    """What a check of the log found; no faults means sound."""

    n_events: int
    last_seq: int
    n_shards: int
    compacted_through: int
    faults: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Shard:
    """One file: all events first..last of the log."""

    first: int
    last: int
    path: Path


def shards(folder: Path) -> list[Shard]:
    """The shards of a folder in order, without those that a larger one contains (a crash before their removal)."""
    found = _files(folder)
    return sorted(
        shard
        for shard in found
        if not any(other != shard and other.first <= shard.first and shard.last <= other.last for other in found)
    )


def _files(folder: Path) -> list[Shard]:
    matches = ((NAME.fullmatch(path.name), path) for path in folder.glob("events-*.parquet"))
    return [Shard(int(match[1]), int(match[2]), path) for match, path in matches if match]


def compact(log: Log, folder: Path) -> int:
    """Writes what comes after the last shard; one below SHARD_ROWS is written anew, longer. How many came in."""
    kept = shards(folder)
    for left in set(_files(folder)) - set(kept):
        left.path.unlink()
    begun = after = kept[-1].last if kept else 0
    through = log.last_seq()
    while after < through:
        growing = kept[-1] if kept and kept[-1].last - kept[-1].first + 1 < SHARD_ROWS else None
        first = growing.first if growing else after + 1
        after = min(through, first + SHARD_ROWS - 1)
        target = folder / f"events-{first:012d}-{after:012d}.parquet"
        write_parquet(log.frame(first - 1, after), target)
        if growing:
            growing.path.unlink()
            kept.pop()
        kept.append(Shard(first, after, target))
    return through - begun


def verify(log: Log, folder: Path | None = None) -> Verification:
    """Order and completeness of the log, then each shard row for row against it."""
    last_seq, n_events = log.last_seq(), log.count()
    faults = []
    after, known_at, found = 0, -1, 0
    while events := log.read(after, limit=50_000):
        for event in events:
            if event.known_at <= known_at:
                faults.append(f"event log: known_at of seq {event.seq} is not later than that of the one before")
            if event.timestamp > event.known_at:
                faults.append(f"event log: seq {event.seq} happened after it was known")
            known_at = event.known_at
        after, found = events[-1].seq, found + len(events)
    if after > last_seq and after > log.last_seq():
        faults.append(f"event log: seq {after} is beyond the counter {last_seq}; restore the database from its backup")
    kept = shards(folder) if folder is not None else []
    expected = kept[0].first if kept else 1
    for shard in kept:
        if shard.first != expected:
            faults.append(
                f"{shard.path}: begins at seq {shard.first}, expected {expected}; compact into an empty folder"
            )
        expected = shard.last + 1
        faults += _differences(log, shard)
    return Verification(n_events, last_seq, len(kept), kept[-1].last if kept else 0, tuple(faults))


def _differences(log: Log, shard: Shard) -> list[str]:
    try:
        held = pl.read_parquet(shard.path)
    except (pl.exceptions.PolarsError, OSError) as error:
        return [f"{shard.path}: not readable ({error}); delete it and run `recops events compact`"]
    if held.equals(log.frame(shard.first - 1, shard.last)):
        return []
    return [f"{shard.path}: its rows differ from the log's; delete it and run `recops events compact`"]
