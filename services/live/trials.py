"""The release on trial in this worker: loaded beside the live one, measured, and ended where it breaks its limits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from features.resilience.repeats import RepeatLogger
from models.release.store import ReleaseError, ReleaseStore
from models.release.trial import Trial, abort_trial, running_trial
from models.release.trial_figures import Figures, breach, folder_of_trial, write_figures
from services.live.serving import Serving
from services.recorder.comparisons import Comparison, ComparisonLog

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

WRITE_S = 2.0
REMEMBERED = 5_000  # lists of the challenger by which it is judged: older ones count half, a quarter …


class RunningTrial:
    """A trial with its release loaded: requests note what they measured, a thread writes and judges it."""

    def __init__(self, home: Path, trial: Trial, serving: Serving) -> None:
        self.trial, self.serving = trial, serving
        self.figures, self.recent = Figures(), Figures()  # since the worker began; what it is judged by
        self.comparisons = ComparisonLog(folder_of_trial(home, trial))
        self.changed = False

    def note_live(self, milliseconds: float) -> None:
        """A list of the live release was sent."""
        for figures in (self.figures, self.recent):
            figures.live.add(milliseconds)
        self.changed = True

    def note_challenger(self, milliseconds: float) -> None:
        """The release on trial answered."""
        for figures in (self.figures, self.recent):
            figures.challenger.add(milliseconds)
        self.changed = True

    def note_error(self) -> None:
        """The release on trial failed on a request."""
        for figures in (self.figures, self.recent):
            figures.challenger.n_errors += 1
        self.changed = True

    def note_skipped(self) -> None:
        """There was no time to ask the release on trial."""
        self.figures.n_skipped += 1
        self.changed = True

    def compare(self, comparison: Comparison) -> None:
        """Both releases answered one request."""
        longest = max(len(comparison.live), len(comparison.challenger))
        both = len(set(comparison.live) & set(comparison.challenger))
        self.figures.n_compared += 1
        self.figures.overlap += both / longest if longest else 1.0
        self.comparisons.add(comparison)

    def breach(self) -> str | None:
        """Why a canary is to end; None: it keeps to its limits."""
        if self.recent.challenger.n_answers > REMEMBERED:
            self.recent.challenger.halve()
            self.recent.live.halve()
        return breach(self.trial, self.recent) if self.trial.mode == "canary" else None


class Trials:
    """`running` is the trial of this worker, None while there is none; `follow` is called once a second by a thread."""

    def __init__(self, home: Path, store: ReleaseStore, load: Callable[[str], Serving]) -> None:
        self._home, self._store, self._load = home, store, load
        self.running: RunningTrial | None = None
        self._written = 0.0

    def follow(self, current: Serving | None, previous: Serving | None) -> None:
        """Takes up, writes, judges and drops trials as the pointer says."""
        trial = running_trial(self._store)
        running = self.running
        if running is not None and (trial is None or trial.since != running.trial.since):
            self.running = None
            self._write(running)
            if not running.serving.is_form_of(current) and not running.serving.is_form_of(previous):
                running.serving.sessions.close()
            logger.info("release=%s is on trial no longer", running.trial.release)
        if trial is not None and current is not None and trial.against == current.release.release:
            if self.running is None:
                self._begin(trial, previous)
            else:
                self.running.serving.sessions.follow()
        if self.running is not None:
            self._judge(self.running)

    def kept(self, release: str) -> Serving | None:
        """The loaded release, where it is the one on trial."""
        running = self.running
        return running.serving if running is not None and running.trial.release == release else None

    def close(self) -> None:
        if self.running is not None:
            self._write(self.running)
            self.running.serving.sessions.close()

    def _begin(self, trial: Trial, previous: Serving | None) -> None:
        is_previous = previous is not None and previous.release.release == trial.release
        try:
            serving = previous if previous is not None and is_previous else self._load(trial.release)
        except Exception as error:
            repeats.exception("release=%s cannot be tried: %s", trial.release, error)
            self._abort(trial, f"it could not be loaded: {' '.join(str(error).split()) or type(error).__name__}")
            return
        self.running = RunningTrial(self._home, trial, serving)
        logger.info("release=%s is on trial: %s, %g %%", trial.release, trial.mode, trial.percent)

    def _judge(self, running: RunningTrial) -> None:
        reason = running.breach()
        if reason is not None:
            self._write(running)
            self._abort(running.trial, reason)
        elif running.changed and time.monotonic() - self._written > WRITE_S:
            self._write(running)

    def _abort(self, trial: Trial, reason: str) -> None:
        """Ends a trial for all workers."""
        logger.error("release=%s: its trial is ended: %s", trial.release, reason)
        self.running = None
        try:
            abort_trial(self._store, who="service", reason=reason, expected=trial)
        except (ReleaseError, OSError) as error:
            repeats.warning("release=%s: the end of its trial cannot be written: %s", trial.release, error)

    def _write(self, running: RunningTrial) -> None:
        self._written, running.changed = time.monotonic(), False
        running.comparisons.flush()
        try:
            write_figures(self._home, running.trial, running.figures)
        except OSError as error:
            repeats.warning("figures of a trial cannot be written: %s", error)
