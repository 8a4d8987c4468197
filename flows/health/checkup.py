"""Check-ups: which findings `recops status` and `recops doctor` ask for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from features.settings import Settings
from flows.health import installation, live, locks, on_trial, stores
from flows.health.findings import Finding, gathered
from flows.project.dataset import Project


def status(project: Project, settings: Settings) -> Iterator[Finding]:
    """What is live, the age of the data, what is stale, the last verdict, the services."""
    yield from gathered("live", partial(live.check_live, settings))
    yield from gathered("trial", partial(on_trial.check_trial, settings))
    yield from gathered("data", partial(live.check_data, project))
    yield from gathered("stages", partial(live.check_stages, project, settings))
    yield from gathered("verdict", partial(live.check_verdict, project, settings))
    yield from gathered("service", partial(live.check_services, settings))
    yield from gathered("prefect", stores.check_prefect)


def checkup(project: Project, settings: Settings) -> Iterator[Finding]:
    """The whole set-up: the installation, the params, the stores, locks, and all of `status`."""
    yield from gathered("python", installation.check_python)
    yield from gathered("packages", partial(installation.check_packages, project))
    yield from gathered("git", partial(installation.check_git, project))
    yield from gathered("dvc", partial(installation.check_dvc, project))
    yield from gathered("disk", partial(installation.check_disk, project, settings))
    yield from gathered("params", partial(_params, project, settings))
    yield from gathered("event log", partial(stores.check_event_log, settings))
    yield from gathered("online store", partial(stores.check_online_store, settings))
    yield from gathered("locks", partial(locks.check_locks, project, settings))
    yield from status(project, settings)


def _params(project: Project, settings: Settings) -> Iterator[Finding]:
    """params.yaml and the inputs that it names."""
    from flows.preflight.preflight import find_mistakes

    mistakes = find_mistakes(project, settings)
    for mistake in mistakes:
        yield Finding("params", "wrong", f"{mistake.where}: {mistake.what}", mistake.remedy)
    if not mistakes:
        yield Finding("params", "ok", "params.yaml fits, and its inputs are there")
