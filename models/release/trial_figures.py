"""Figures of a trial: answers, errors, milliseconds and overlap, one file a worker, summed for whoever reads."""

from __future__ import annotations

import json
import math
import os
import re
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

from features.files import write_text
from models.release.trial import Trial

FOLDER = "trials"
FIRST_MS = 0.1  # the first bucket ends here, each further one 10 % later
RATIO = 1.1
N_BUCKETS = 140  # the last one begins at 51 s
LEAST_ANSWERS = 300  # of each side before percentiles are judged
LEAST_ERRORS = 5
LEAST_MS = 5.0  # so much slower is no reason to end a canary, however fast the live release is


@dataclass(kw_only=True)
class Side:
    """Lists of one of the two releases; buckets: answers by milliseconds."""

    n_answers: float = 0
    n_errors: float = 0
    buckets: list[float] = field(default_factory=lambda: [0.0] * N_BUCKETS)

    def add(self, milliseconds: float) -> None:
        bucket = math.ceil(math.log(max(milliseconds, FIRST_MS) / FIRST_MS, RATIO) - 1e-9)
        self.buckets[min(bucket, N_BUCKETS - 1)] += 1
        self.n_answers += 1

    def quantile(self, share: float) -> float | None:
        """Milliseconds that this share of the answers kept to, up to 10 % too many; None without answers."""
        wanted, n = share * sum(self.buckets), 0.0
        for bucket, count in enumerate(self.buckets):
            n += count
            if n and n >= wanted:
                return FIRST_MS * RATIO**bucket
        return None

    def halve(self) -> None:
        """Older answers count half from now on."""
        self.n_answers, self.n_errors = self.n_answers / 2, self.n_errors / 2
        self.buckets = [count / 2 for count in self.buckets]

    def merge(self, other: Side) -> None:
        self.n_answers += other.n_answers
        self.n_errors += other.n_errors
        self.buckets = [one + more for one, more in zip(self.buckets, other.buckets, strict=True)]


@dataclass(kw_only=True)
class Figures:
    """Figures of both sides.

    n_compared: requests that both releases answered (shadow); overlap: sum of the shares of items that stood in both
    lists; n_skipped: requests of a shadow that there was no time for.
    """

    live: Side = field(default_factory=Side)
    challenger: Side = field(default_factory=Side)
    n_compared: float = 0
    overlap: float = 0.0
    n_skipped: float = 0

    @property
    def mean_overlap(self) -> float | None:
        return self.overlap / self.n_compared if self.n_compared else None

    def merge(self, other: Figures) -> None:
        self.live.merge(other.live)
        self.challenger.merge(other.challenger)
        self.n_compared += other.n_compared
        self.overlap += other.overlap
        self.n_skipped += other.n_skipped

    def sentence(self) -> str:
        """For people."""
        parts = []
        for name, side in (("challenger", self.challenger), ("live", self.live)):
            p50, p99 = side.quantile(0.5), side.quantile(0.99)
            times = f", {p50:.1f} ms median, {p99:.1f} ms p99" if p50 is not None and p99 is not None else ""
            parts.append(f"{name}: {side.n_answers:.0f} lists, {side.n_errors:.0f} errors{times}")
        if self.mean_overlap is not None:
            parts.append(f"{self.mean_overlap:.0%} of the items in both lists ({self.n_compared:.0f} compared)")
        return "; ".join(parts)


def breach(trial: Trial, figures: Figures) -> str | None:
    """Why a canary is to end by itself; None: it keeps to its limits."""
    live, challenger = figures.live, figures.challenger
    n_lists = challenger.n_answers + challenger.n_errors
    if challenger.n_errors >= LEAST_ERRORS and challenger.n_errors > trial.max_error_rate * n_lists:
        return f"{challenger.n_errors:.0f} of {n_lists:.0f} lists failed, more than {trial.max_error_rate:.1%}"
    slow, usual = challenger.quantile(0.99), live.quantile(0.99)
    if slow is None or usual is None or min(live.n_answers, challenger.n_answers) < LEAST_ANSWERS:
        return None
    if slow > max(trial.max_p99_ratio * usual, usual + LEAST_MS):
        return (
            f"its p99 is {slow:.1f} ms, that of {trial.against} {usual:.1f} ms: more than {trial.max_p99_ratio:g} times"
        )
    return None


def write_figures(home: Path, trial: Trial, figures: Figures) -> None:
    """Replaces this process's file.

    Raises:
        OSError: it cannot be written.
    """
    name = f"{re.sub(r'[^A-Za-z0-9.-]', '_', socket.gethostname())}-{os.getpid()}.json"
    write_text(json.dumps(asdict(figures)) + "\n", folder_of_trial(home, trial) / name)


def read_figures(home: Path, trial: Trial) -> Figures:
    """Those of all workers, also of such as have ended."""
    total = Figures()
    for path in sorted(folder_of_trial(home, trial).glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            live, challenger = Side(**content.pop("live")), Side(**content.pop("challenger"))
            total.merge(Figures(live=live, challenger=challenger, **content))
        except (OSError, ValueError, TypeError, KeyError):  # just being removed, or of another version
            continue
    return total


def folder_of_trial(home: Path, trial: Trial) -> Path:
    """Where its figures and, of a shadow, both lists of each request are."""
    return home / FOLDER / f"{trial.release}-{re.sub(r'[^0-9]', '', trial.since)[:20]}"


def folders_of_trials(home: Path) -> list[Path]:
    """Those of all trials that left something."""
    return sorted(folder for folder in (home / FOLDER).glob("*") if folder.is_dir())
