"""The release on trial: how it is tried, and what was measured of it."""

from __future__ import annotations

from collections.abc import Iterator

from features.settings import Settings
from flows.health.findings import Finding
from models.release.store import ReleaseStore
from models.release.trial import Trial, running_trial, trials
from models.release.trial_figures import read_figures


def last_trial(settings: Settings, *, ended: bool = True) -> Iterator[str]:
    """Lines on the trial that is under way; with `ended` else on the last one of or against what is live now."""
    store = ReleaseStore(settings.home)
    live = store.live()
    of_live = [trial for trial in trials(store) if trial.against == live or trial.release == live]
    trial = running_trial(store) or (of_live[-1] if of_live and ended else None)
    if trial is not None:
        yield sentence(trial)
        yield f"  {read_figures(settings.home, trial).sentence()}"


def check_trial(settings: Settings) -> Iterator[Finding]:
    """The trial that is under way; a canary that ended by itself."""
    store = ReleaseStore(settings.home)
    trial = running_trial(store)
    if trial is not None:
        figures = read_figures(settings.home, trial).sentence()
        remedy = "`recops promote` puts it live, `recops release --abort` ends it."
        yield Finding("trial", "ok", f"{sentence(trial)}; {figures}", remedy)
        return
    remembered = [trial for trial in trials(store) if trial.against == store.live()]
    if remembered and remembered[-1].outcome == "aborted" and remembered[-1].reason.startswith("service:"):
        yield Finding("trial", "note", sentence(remembered[-1]), "see the service's log; `recops release --shadow`.")


def sentence(trial: Trial) -> str:
    """How it is or was tried, and how it ended."""
    share = f"{trial.percent:g} % of the users" if trial.mode == "canary" else "unseen"
    begun = f"{trial.release} on trial as {trial.mode} ({share}) against {trial.against} since {trial.since[:16]}"
    return f"{begun}, by {trial.who}: {trial.why}" + (f"; {trial.outcome}: {trial.reason}" if trial.until else "")
