"""The files of records: parquet written whole, and before that a stream that loses at most its last batch in a crash.

`<first>-<last>-<mark>.parquet` holds the records of ids made in those milliseconds; `<first>-<mark>.arrows` is a stream
that one worker still writes to. A reader takes of each file what is whole.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.files import replacing
from features.resilience.repeats import RepeatLogger
from models.flight.records.columns import NUMBERS, SCHEMA
from models.flight.records.request_ids import milliseconds_of

repeats = RepeatLogger(logging.getLogger(__name__))

ROWS_A_GROUP = 128  # read together when one of them is wanted: some hundred kB
_CLOSED = re.compile(r"(\d{13})-(\d{13})-[0-9a-z-]+\.parquet")
_OPEN = re.compile(r"(\d{13})-[0-9a-z-]+\.arrows")


@dataclass(frozen=True)
class FlightFile:
    """One file. first, last: milliseconds since 1970 UTC of its ids; last is None while it is written to."""

    path: Path
    first: int
    last: int | None

    def covers(self, milliseconds: int) -> bool:
        """Whether a record of an id that was made then may be in it."""
        return self.first <= milliseconds and (self.last is None or milliseconds <= self.last)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Its whole batches, oldest first; a file that has gone meanwhile has none."""
        try:
            yield from _stream(self.path) if self.last is None else pq.ParquetFile(self.path).iter_batches(ROWS_A_GROUP)
        except FileNotFoundError:
            return
        except (pa.ArrowInvalid, OSError) as error:
            repeats.warning("%s is passed over from where it is not readable: %s", self.path, error)

    def row(self, request_id: str) -> pa.RecordBatch | None:
        """The row of an id, as a batch of one; None where it is not here."""
        if self.last is None:
            return _first(_matching(batch, request_id) for batch in self.batches())
        try:
            file = pq.ParquetFile(self.path)
            for group in range(file.num_row_groups):
                bounds = file.metadata.row_group(group).column(0).statistics
                if bounds is not None and not bounds.min <= request_id <= bounds.max:
                    continue
                ids = file.read_row_group(group, columns=["request_id"]).column(0).combine_chunks()
                if (place := pc.index(ids, request_id).as_py()) >= 0:
                    return file.read_row_group(group).combine_chunks().slice(place, 1).to_batches()[0]
        except FileNotFoundError:
            return None
        except (pa.ArrowInvalid, OSError) as error:
            repeats.warning("%s is passed over: %s", self.path, error)
        return None


def flight_files(folder: Path) -> list[FlightFile]:
    """All files of a folder, oldest first."""
    files = []
    for path in folder.glob("*"):
        if match := _CLOSED.fullmatch(path.name):
            files.append(FlightFile(path, int(match[1]), int(match[2])))
        elif match := _OPEN.fullmatch(path.name):
            files.append(FlightFile(path, int(match[1]), None))
    return sorted(files, key=lambda file: (file.first, file.path.name))


def write_closed(
    folder: Path, mark: str, batches: Iterator[pa.RecordBatch], keep: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> FlightFile | None:
    """A parquet file of the kept rows, whole under its name or not there; None where no row is kept."""
    first, last, n_rows = 1 << 62, 0, 0
    scratch_name = folder / f"{mark}.parquet"
    with replacing(scratch_name) as scratch:
        options = {"compression": "zstd", "use_dictionary": False, "column_encoding": None}
        floats = [f"{name}.list.element" for name in NUMBERS]
        options["use_byte_stream_split"] = floats
        with pq.ParquetWriter(scratch, SCHEMA, **options) as writer:
            for batch in _grouped(map(keep, batches)):
                instants = [milliseconds_of(request_id) or 0 for request_id in batch.column(0).to_pylist()]
                first, last, n_rows = min(first, *instants), max(last, *instants), n_rows + batch.num_rows
                writer.write_batch(batch, row_group_size=ROWS_A_GROUP)
    if not n_rows:
        scratch_name.unlink()
        return None
    path = folder / f"{first:013d}-{last:013d}-{mark}.parquet"
    scratch_name.rename(path)
    return FlightFile(path, first, last)


def _grouped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of a row group each."""
    waiting: list[pa.RecordBatch] = []
    n_waiting = 0
    for batch in batches:
        if batch.num_rows:
            waiting.append(batch)
            n_waiting += batch.num_rows
        if n_waiting >= ROWS_A_GROUP:
            yield from _combined(waiting)
            waiting, n_waiting = [], 0
    yield from _combined(waiting) if waiting else ()


def _combined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    combined: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return combined


def _stream(path: Path) -> Iterator[pa.RecordBatch]:
    """Whole batches of a stream; what its writer has begun, or never ended, comes to nothing."""
    with path.open("rb") as file:
        try:
            reader = pa.ipc.open_stream(file)
            while True:
                yield reader.read_next_batch()
        except (StopIteration, pa.ArrowInvalid, OSError, EOFError):
            return


def _matching(batch: pa.RecordBatch, request_id: str) -> pa.RecordBatch | None:
    row = pc.index(batch.column(0), request_id).as_py()
    return batch.slice(row, 1) if row >= 0 else None


def _first(values: Iterator[pa.RecordBatch | None]) -> pa.RecordBatch | None:
    return next((value for value in values if value is not None), None)
