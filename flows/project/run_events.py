"""Run events: the progress of a run, sent to its listeners (the terminal's display, the page of the Prefect run)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

StageOutcome = Literal["ran", "skipped", "failed"]


@dataclass(frozen=True)
class RunStarted:
    """The first event. names: all stages of the run, in order; stale: those that are known to run, in order.

    A stage behind a stale one is not counted as stale: it runs only if what it reads comes out changed.
    """

    names: tuple[str, ...]
    stale: tuple[str, ...]


@dataclass(frozen=True)
class StageStarted:
    """A stage's process is about to start; one that is up to date has no such event.

    number: place among the stages of the run, from 1 to `n_stages`; expected_seconds: what it took the last time it
    ran here, None when it has not run yet.
    """

    name: str
    number: int
    n_stages: int
    expected_seconds: float | None


@dataclass(frozen=True)
class StageLine:
    """One line that a stage's process wrote to its standard output or error, without its line end."""

    name: str
    text: str


@dataclass(frozen=True)
class StageEnded:
    """A stage is over. outcome: `ran`, `skipped` (up to date, `seconds` is 0) or `failed`, also when interrupted.

    After `failed` the run raises, or, where the process was killed, starts the stage once more.
    """

    name: str
    seconds: float
    outcome: StageOutcome


RunEvent = RunStarted | StageStarted | StageLine | StageEnded

Listener = Callable[[RunEvent], None]
"""Called with each event in its order, one at a time, in the thread that drives the run. It should return at once: the
stage's next line waits for it. What it raises ends the run."""


def echo_lines(event: RunEvent) -> None:
    """The default listener: writes the stages' output to standard error."""
    if isinstance(event, StageLine):
        sys.stderr.write(f"{event.text}\n")
