"""Impression log: the items of randomized answers with their propensities; one line of JSON per request.

A line is in the page cache before the answer leaves, so that it outlives the process; it is not waited for until it is
on the disk, and a disk that is full costs the line and not the answer.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from features.resilience.repeats import RepeatLogger

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)


class Impression(msgspec.Struct):
    """One request. at: the query's instant, ISO-8601 UTC; items in the order shown; propensities: chance of each,
    given those above it, 1 where nothing was drawn."""

    request_id: str
    at: str
    user_id: str
    release: str
    scenario: str | None
    items: list[str]
    propensities: list[float]


class ImpressionLog:
    """A folder with a file a day (of UTC); any number of processes may write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, line: Impression) -> None:
        """Appends one line; a single write to a file that is open for appending is never mixed with another's."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{line.at[:10]}.jsonl"
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, msgspec.json.encode(line) + b"\n")
            finally:
                os.close(file)
        except OSError as error:
            repeats.warning("request_id=%s could not be written to %s: %s", line.request_id, self.folder, error)
