"""Flight recorder: what led to each answer, handed over in microseconds and written by a thread of its own."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import msgspec
import numpy as np
import pyarrow as pa

from features.arrays import Int64
from features.resilience.repeats import RepeatLogger
from features.settings import Settings
from features.states.candidate_features import NAMES
from models.data.types import Slate
from models.flight.records.columns import SCHEMA, to_batch
from models.flight.records.flight_files import FlightFile
from models.flight.records.flight_folder import OPEN_S, FlightFolder
from models.flight.records.record import FlightRecord
from models.flight.records.request_ids import is_sampled, milliseconds_of
from models.online.answer import OneAnswer, OneCandidates
from models.ranking.features import feature_names
from models.retrieval.candidates import FUSION_CONSTANT

repeats = RepeatLogger(logging.getLogger(__name__))

MOST_WAITING = 256  # answers; each holds its candidates' features, some 100 kB
A_BATCH_S = 0.5  # between two looks at what waits: what a crash loses at most
A_BATCH = 16  # answers that are written at a time: requests wait for Python's lock meanwhile
PAUSE_S = 0.01  # between two batches of one look
STREAM_BYTES = 16 << 20
LONGEST_REQUEST_MS = 120_000  # an id may be so much older than the record of its answer

Outcome = Literal["written", "dropped", "failed"]


class Asks(Protocol):
    """The struct of a request, with the user's id as the data hold it."""

    user_id: str
    k: int


@dataclass(frozen=True, kw_only=True)
class Flight:
    """One answer as the request leaves it: references, nothing copied. Fields as in `FlightRecord`; request: is encoded
    later and must not change any more."""

    request_id: str
    at: int
    release: str
    log_position: int
    items_position: int
    n_events: int
    n_blocked: int
    request: Asks
    fallback: str | None
    answer: OneAnswer
    learned_position: int | None = None


class FlightRecorder:
    """`record` never waits: a full queue drops the record and counts it.

    count: called with an outcome and a number of records.
    """

    def __init__(self, settings: Settings, count: Callable[[Outcome, int], None] = lambda *_: None) -> None:
        self.folder = FlightFolder(settings.home)
        self._settings, self._count = settings, count
        self._waiting: queue.Queue[Flight] = queue.Queue(MOST_WAITING)
        self._unwritten: tuple[Flight, ...] = ()  # what the thread has taken and not written yet
        self._stream: _Stream | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flight", daemon=True)
        self._thread.start()

    def record(self, flight: Flight) -> None:
        """Hands one answer over to the thread, unless it is not sampled or the queue is full."""
        if not is_sampled(flight.request_id, self._settings.record_share):
            return
        try:
            self._waiting.put_nowait(flight)
        except queue.Full:
            self._count("dropped", 1)

    def find(self, request_id: str) -> FlightRecord | None:
        """The record of an answer of any worker, also one that is not written yet where it is this worker's."""
        with self._waiting.mutex:
            waiting = [*self._unwritten, *self._waiting.queue]
        for flight in waiting:
            if flight.request_id == request_id:
                record = record_of(flight, self._settings.record_features)
                return None if self.folder.erased.holds(record.user_id, record.answered_at) else record
        return self.folder.find(request_id)

    def close(self) -> None:
        """Writes what waits, and closes the stream."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        self._tidy()
        while not self._ended.wait(A_BATCH_S):
            self._write()
        self._write()
        self._close_stream()

    def _write(self) -> None:
        """All that waits, some at a time; a fault loses a batch, not the thread."""
        with self._waiting.mutex:
            self._unwritten = tuple(self._waiting.queue)
            self._waiting.queue.clear()
            self._waiting.not_full.notify_all()
        while self._unwritten:
            self._write_batch(self._unwritten[:A_BATCH])
            self._unwritten = self._unwritten[A_BATCH:]
            if self._unwritten:
                self._ended.wait(PAUSE_S)
        if self._stream is not None and self._stream.is_full():
            self._close_stream()
            self._tidy()

    def _write_batch(self, flights: Sequence[Flight]) -> None:
        try:
            records = [record_of(flight, self._settings.record_features) for flight in flights]
            if self._stream is None:
                self._stream = _Stream(self.folder.path, min(record.answered_at for record in records) // 1000)
            self._stream.write(to_batch(records))
            self._count("written", len(records))
        except Exception as error:
            _tell(error, "%d answers could not be recorded: %s", len(flights))
            self._count("failed", len(flights))
            self._close_stream()

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.close()
                self.folder.close_stream(stream.file)
            except Exception as error:
                _tell(error, "%s could not be closed: %s", stream.file.path)

    def _tidy(self) -> None:
        """Closes what dead workers left, and keeps the folder within its bounds."""
        try:
            self.folder.close_orphans()
            now = time.time_ns() // 1000
            self.folder.prune(self._settings.record_max_mb << 20, self._settings.record_days, now)
        except Exception as error:
            _tell(error, "%s could not be tidied: %s", self.folder.path)


class _Stream:
    """A stream of batches that readers may read while it grows. Of its owner only."""

    def __init__(self, folder: Path, first_ms: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        first_ms = max(first_ms - LONGEST_REQUEST_MS, 0)
        path = folder / f"{first_ms:013d}-{os.getpid()}-{os.urandom(3).hex()}.arrows"
        self.file = FlightFile(path, first_ms, None)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sink: BinaryIO = os.fdopen(descriptor, "wb")
        self._writer = pa.ipc.new_stream(self._sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        self._until = time.monotonic() + OPEN_S

    def write(self, batch: pa.RecordBatch) -> None:
        """After it the batch outlives this process."""
        self._writer.write_batch(batch)
        self._sink.flush()

    def is_full(self) -> bool:
        """Whether it is to be closed, for its size or its age."""
        return self._sink.tell() >= STREAM_BYTES or time.monotonic() >= self._until

    def close(self) -> None:
        with suppress(OSError):
            self._writer.close()
        self._sink.close()


def record_of(flight: Flight, n_features_kept: int) -> FlightRecord:
    """The record of an answer, with the features of the best `n_features_kept` candidates and of all that was shown."""
    answer = flight.answer
    kept = kept_rows(answer, n_features_kept)
    return FlightRecord(
        request_id=flight.request_id,
        answered_at=(milliseconds_of(flight.request_id) or 0) * 1000,
        at=flight.at,
        user_id=flight.request.user_id,
        release=flight.release,
        log_position=flight.log_position,
        items_position=flight.items_position,
        learned_position=flight.learned_position,
        n_events=flight.n_events,
        n_blocked=flight.n_blocked,
        k=flight.request.k,
        request=msgspec.json.encode(flight.request).decode(),
        fallback=flight.fallback,
        retrievers=answer.retrievers,
        candidates=answer.candidates,
        feature_names=_names(answer.retrievers),
        feature_rows=kept,
        features=answer.features[kept],
        scores=answer.scores,
        shown=answer.shown,
        propensities=answer.propensities,
        left_out=answer.left_out,
        stage_ms=answer.stage_ms,
    )


def answer_of(slate: Slate) -> OneAnswer:
    """A batch of one as an answer whose candidates are what is shown; without features and times of stages."""
    n_shown = int((slate.items[0] >= 0).sum())
    shares = slate.sources[0, :n_shown]
    ranks = np.where(np.isnan(shares), 0, np.rint(1.0 / np.fmax(shares, 1e-9) - FUSION_CONSTANT)).astype(np.int32)
    return OneAnswer(
        retrievers=slate.retrievers,
        candidates=OneCandidates(
            items=slate.items[0, :n_shown], scores=np.where(ranks > 0, 0.0, np.nan).astype(np.float32), ranks=ranks
        ),
        features=np.zeros((0, 0), dtype=np.float32),
        scores=slate.scores[0, :n_shown],
        shown=np.arange(n_shown),
        propensities=None if slate.propensities is None else slate.propensities[0, :n_shown],
        left_out=(),
        stage_ms={},
    )


@lru_cache(maxsize=32)
def _names(retrievers: tuple[str, ...]) -> tuple[str, ...]:
    return feature_names(retrievers, NAMES)


def kept_rows(answer: OneAnswer, n_best: int) -> Int64:
    """Rows whose features are kept, ascending; none where the ranker was left out."""
    if not len(answer.features):
        return np.zeros(0, dtype=np.int64)
    best = np.argsort(-answer.scores, kind="stable")[:n_best]
    return np.unique(np.concatenate([best, answer.shown]).astype(np.int64))


def _tell(error: Exception, message: str, *values: object) -> None:
    """Logs a fault; one of the disk (full, read-only) is no fault of the code and gets no traceback."""
    tell = repeats.warning if isinstance(error, OSError) else repeats.exception
    tell(message, *values, error)
