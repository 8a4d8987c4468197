"""The folder of all workers' records: finding one, reading all, keeping it within its bounds, erasing a user's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import MICROSECONDS_A_DAY
from models.flight.records.columns import record_at
from models.flight.records.erased_users import ErasedUsers
from models.flight.records.flight_files import FlightFile, flight_files, write_closed
from models.flight.records.record import FlightRecord
from models.flight.records.request_ids import milliseconds_of

OPEN_S = 300.0  # a worker closes its stream after this time
ORPHANED_S = 3 * OPEN_S  # a stream that is older was left by a worker that died


class FlightFolder:
    """RECOPS_HOME/flight; any number of processes may read, and write files of their own."""

    def __init__(self, home: Path) -> None:
        self.path = home / "flight"
        self.erased = ErasedUsers(self.path)

    def find(self, request_id: str) -> FlightRecord | None:
        """The record of a request; None where there is none, or it was erased."""
        milliseconds = milliseconds_of(request_id)
        if milliseconds is None:
            return None
        for _ in range(2):  # a stream may become a file between the listing and the reading
            for file in reversed(flight_files(self.path)):
                if file.covers(milliseconds) and (row := file.row(request_id)) is not None:
                    row = self.erased.without(row)
                    return record_at(row, 0) if row.num_rows else None
        return None

    def records(self, since: int = 0, until: int = 1 << 62) -> Iterator[FlightRecord]:
        """Records answered from `since` to `until` [µs], file by file, oldest first."""
        for file in flight_files(self.path):
            if file.first * 1000 > until or (file.last is not None and file.last * 1000 < since):
                continue
            for batch in file.batches():
                kept = self.erased.without(batch)
                for row in range(kept.num_rows):
                    record = record_at(kept, row)
                    if since <= record.answered_at <= until:
                        yield record

    def close_stream(self, stream: FlightFile) -> FlightFile | None:
        """Turns a stream into a parquet file; one that another process has closed meanwhile is nothing to do."""
        mark = stream.path.stem.partition("-")[2]
        closed = write_closed(self.path, mark, stream.batches(), self.erased.without)
        stream.path.unlink(missing_ok=True)
        return closed

    def close_orphans(self, now_s: float | None = None) -> int:
        """Closes the streams of workers that died; how many."""
        now_ms = (time.time() if now_s is None else now_s) * 1000
        orphans = [file for file in flight_files(self.path) if file.last is None]
        orphans = [file for file in orphans if now_ms - file.first > ORPHANED_S * 1000]
        for file in orphans:
            self.close_stream(file)
        return len(orphans)

    def prune(self, max_bytes: int, days: float, now: int) -> int:
        """Removes the oldest files, as long as all together are larger than `max_bytes` or one is older than `days`;
        how many. now: µs since 1970 UTC."""
        closed = [file for file in flight_files(self.path) if file.last is not None]
        sizes = {file: _size(file.path) for file in closed}
        total, n_removed, oldest = sum(sizes.values()), 0, now - round(days * MICROSECONDS_A_DAY)
        for file in closed:
            if total <= max_bytes and (file.last or 0) * 1000 >= oldest:
                continue
            file.path.unlink(missing_ok=True)
            total, n_removed = total - sizes[file], n_removed + 1
        if n_removed:
            self.erased.drop_before(oldest)
        return n_removed

    def erase(self, user_id: str, now: int) -> int:
        """Erases a user's records up to now [µs]; how many files were written anew. A stream that a worker still writes
        to is written without them when it is closed; until then no reader sees them."""
        self.erased.add(user_id, now)
        n_written = 0
        for file in flight_files(self.path):
            if file.last is None or not any(_holds(batch, user_id) for batch in file.batches()):
                continue
            mark = file.path.stem.split("-", 2)[2]
            if write_closed(self.path, mark, file.batches(), self.erased.without) != file:
                file.path.unlink(missing_ok=True)  # its first or last record was the user's: it has another name now
            n_written += 1
        return n_written


def _holds(batch: pa.RecordBatch, user_id: str) -> bool:
    return bool(pc.index(batch.column("user_id"), user_id).as_py() >= 0)


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
