"""Flow `release`: refit, materialize, build_bento, replay, swap, share, record; only `swap` changes what is live."""

from __future__ import annotations

import getpass
import logging
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path

from features.settings import Settings
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import publish_release
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dag import project_root
from flows.project.dataset import Project
from flows.releasing import steps as releasing
from flows.releasing.cleanup import release_lock
from flows.releasing.sharing import shared_file
from flows.releasing.steps import Plan
from models.release.bundle import read_manifest
from models.release.store import Release, ReleaseStore
from models.release.trial import Mode, TrialOptions, begin_trial

logger = logging.getLogger("flows.release")  # Prefect loads this file by its path, under another __name__

# settings of a call from this process; a deployment's run makes its own from the environment
_given: ContextVar[Settings | None] = ContextVar("settings of this call", default=None)


def release(
    project: Project,
    settings: Settings,
    *,
    who: str,
    force: bool = False,
    why: str | None = None,
    trial: TrialOptions | None = None,
) -> Release:
    """Puts data/bundle live, or with `trial` beside the live release.

    When it is live already it says so, starts no flow and gives that release; when it is on trial already, the trial
    goes on with the new options.

    Raises:
        TrialError: it cannot be tried: nothing is live, another release is on trial, or the live one has other code.
        RefusedError: the gate said no of this bundle (and it is not forced with a reason), the refitted one is not
            sane, or the replay differs.
        BundleError: the bundle is not whole.
        BusyError: another release is under way.
    """
    sealed = releasing.check(project, settings, force=force, why=why)
    if trial is not None:
        manifest = read_manifest(project.paths.bundle) if isinstance(sealed, Release) else sealed
        tried = releasing.check_new_trial(settings, manifest)
        if tried is not None:
            store, reason = ReleaseStore(settings.home), why or "another share"
            begin_trial(store, tried.release, who=who, why=reason, **asdict(trial))
            return tried
    if isinstance(sealed, Release):
        logger.info("bundle %s is live already as release %s: nothing to do", sealed.bundle_hash[:12], sealed.release)
        if not shared_file(project, sealed.release).is_file():
            releasing.share(project, settings, sealed.release)
        return sealed
    token = _given.set(settings)
    try:
        done = release_flow(str(project.root), who, force, why, **(asdict(trial) if trial else {}))
    finally:
        _given.reset(token)
    return ReleaseStore(settings.home).read(done)


@recops_task(name="refit")
def refit(plan: Plan) -> None:
    """Where params.yaml asks for it: what is shipped is fitted anew on all data."""
    logger.info("fitting what was judged on all data, release=%s", plan.release)
    releasing.refit(plan)


@recops_task(name="materialize")
def materialize(plan: Plan) -> None:
    """The release's own online namespace."""
    logger.info("filling the online store, release=%s", plan.release)
    releasing.materialize(plan)


@recops_task(name="build_bento")
def build_bento(plan: Plan) -> str:
    """The Bento with the bundle inside; its tag."""
    logger.info("building the Bento, release=%s", plan.release)
    return releasing.build(plan)


@recops_task(name="replay")
def replay(plan: Plan, tag: str) -> int:
    """The Bento answers test queries over HTTP as the bundle did offline; how many were asked."""
    logger.info("replaying test queries against the Bento, release=%s", plan.release)
    return releasing.replay_queries(plan, tag)


@recops_task(name="swap")
def swap(plan: Plan, tag: str) -> Release:
    """The release is recorded, and live or on trial."""
    logger.info("putting the release %s, release=%s", "on trial" if plan.trial else "live", plan.release)
    return releasing.swap(plan, tag)


@recops_task(name="share")
def share(plan: Plan) -> None:
    """The release's files by hash in data/releases/ID.dvc."""
    logger.info("naming the release's files by hash, release=%s", plan.release)
    releasing.share(plan.project, plan.settings, plan.release)


@recops_task(name="record")
def record(plan: Plan, done: Release, n_queries: int) -> None:
    """Who, when, from what: a log line and an artifact beside the history that the pointer keeps."""
    logger.info("release=%s bundle=%s who=%s queries=%d", done.release, done.bundle_hash[:12], plan.who, n_queries)
    publish_release(done, plan.why)


@recops_flow(name="release")
def release_flow(
    root: str | None = None,
    who: str | None = None,
    force: bool = False,
    why: str | None = None,
    mode: Mode | None = None,
    percent: float = 100.0,
    max_error_rate: float = 0.01,
    max_p99_ratio: float = 2.0,
) -> str:
    """Puts the judged bundle live; the id of its release.

    root: the project folder, the current one by default; force: also what the gate refused, with `why`; mode: `canary`
    or `shadow` tries it beside the live release, the others are options of that (models/release/trial.py).
    """
    enforce_restart_limit()
    project, settings = Project(project_root(Path(root) if root else Path.cwd())), _given.get() or Settings()
    with release_lock(settings):
        sealed = releasing.check(project, settings, force=force, why=why)
        if isinstance(sealed, Release):
            return sealed.release
        trial = None
        if mode is not None:
            trial = TrialOptions(mode=mode, percent=percent, max_error_rate=max_error_rate, max_p99_ratio=max_p99_ratio)
        user = who or getpass.getuser()
        plan = releasing.begin(project, settings, sealed, who=user, force=force, why=why, trial=trial)
        if plan.refit:
            refit(plan)
        materialize(plan)
        tag = build_bento(plan)
        n_queries = replay(plan, tag)
        done = swap(plan, tag)
        share(plan)
        record(plan, done, n_queries)
    return done.release


if __name__ == "__main__":
    main(release_flow)
