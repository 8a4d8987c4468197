"""Comparisons of a shadow: for each request the lists of both releases, a line of JSON each; it names no user."""

from __future__ import annotations

import logging
import os
from collections import deque
from pathlib import Path

import msgspec

from features.resilience.repeats import RepeatLogger

repeats = RepeatLogger(logging.getLogger(__name__))

MOST_WAITING = 10_000
MOST_BYTES = 256 << 20  # of one file; what comes after is not recorded


class Comparison(msgspec.Struct):
    """One request. request_id: of the list that was sent; at: ISO-8601 UTC; milliseconds of each answer."""

    request_id: str
    at: str
    live: list[str]
    challenger: list[str]
    live_ms: float
    challenger_ms: float


class ComparisonLog:
    """Lines wait in memory until `flush`, which a thread beside the answers calls."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "comparisons.jsonl"
        self._waiting: deque[Comparison] = deque(maxlen=MOST_WAITING)

    def add(self, comparison: Comparison) -> None:
        self._waiting.append(comparison)

    def flush(self) -> None:
        """Appends what waits; any number of processes may write to one file."""
        lines = b"".join(msgspec.json.encode(self._waiting.popleft()) + b"\n" for _ in range(len(self._waiting)))
        if not lines:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.fstat(file).st_size < MOST_BYTES:
                    os.write(file, lines)
            finally:
                os.close(file)
        except OSError as error:
            repeats.warning("comparisons could not be written to %s: %s", self.path, error)
