"""Flow `update`: between two retrains, the release's cheap parts learn from the event log, and go live if not worse."""

from __future__ import annotations

import getpass
import logging
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from features.errors import UserError
from features.settings import Settings
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import publish_lines
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dag import project_root
from flows.project.dataset import Project
from flows.project.imports import last_event
from flows.project.resolve import check_precisions
from flows.project.running.run_lock import hold
from flows.release import build_bento, materialize, record, swap
from flows.release import replay as replay_queries
from flows.releasing.cleanup import release_lock
from flows.releasing.gc import drop_old_updates
from flows.updating.begin_update import NewUpdate, begin_update, check_code
from flows.updating.known_rows import KnownRows, known_rows
from flows.updating.making import BUNDLE, Sides, choose, function_of, make_updated_bundle, taken_back
from flows.updating.progressive import judge_update, learned_until
from flows.updating.updated import Updated
from models.release.bundle import Manifest
from models.release.store import Release, ReleaseStore
from models.updating.parts import check_overrides
from models.updating.update_params import Params
from models.updating.verdict import Verdict

logger = logging.getLogger("flows.update")  # Prefect loads this file by its path, under another __name__

# settings of a call from this process; a deployment's run makes its own from the environment
_given: ContextVar[Settings | None] = ContextVar("settings of this call", default=None)


def update(
    project: Project,
    settings: Settings,
    *,
    who: str,
    base: str | None = None,
    until: int | None = None,
    put_live: bool = True,
    force: bool = False,
    why: str | None = None,
) -> Updated:
    """Runs the flow with these settings.

    Raises:
        UserError: there is no such release or position, or the data are others than the release's.
        RefusedError: a release is on trial, the code is not the release's, or the replay differs.
        BusyError: another run holds the workspace, or another release is under way.
    """
    token = _given.set(settings)
    try:
        return cast(Updated, update_flow(str(project.root), base, until, put_live, force, why, who))
    finally:
        _given.reset(token)


@recops_task(name="read")
def read(project: Project, settings: Settings, base: Release, until: int | None) -> KnownRows:
    """The rows of the release's data and of the events after them."""
    return known_rows(project, settings, base, until)


@recops_task(name="judge")
def judge(project: Project, settings: Settings, sides: Sides, known: KnownRows, params: Params) -> Verdict:
    """Each event of the last hours asked before it is learned, by the live parts and by those updated until then."""
    store = ReleaseStore(settings.home)
    base, live = (store.bundle(release.release) for release in (sides.base, sides.live))
    learned = learned_until(project, known, sides.base, sides.live)
    verdict = judge_update(project, known, base, live, learned, params)
    logger.info("%s", " ".join(verdict.sentences()))
    return verdict


@recops_task(name="fit")
def fit(project: Project, settings: Settings, sides: Sides, known: KnownRows, params: Params) -> tuple[Manifest, str]:
    """The updated bundle in data/update, and the digest of the rows that it learned from."""
    return make_updated_bundle(project, ReleaseStore(settings.home).bundle(sides.base.release), known, params)


@recops_flow(name="update")
def update_flow(
    root: str | None = None,
    base: str | None = None,
    until: int | None = None,
    put_live: bool = True,
    force: bool = False,
    why: str | None = None,
    who: str | None = None,
    wait_s: float = 0,
) -> Any:
    """Updates the live release with what the event log knows by now; how it ended.

    root: the project folder, the current one by default; base: the release to update, by default what is live or what
    that is an update of; until: the last event; put_live: false only makes and judges the bundle; force: also what the
    judging refused, with `why`; wait_s: how long to wait for another run in the workspace.
    """
    enforce_restart_limit()
    project, settings = Project(project_root(Path(root) if root else Path.cwd())), _given.get() or Settings()
    if force and not why:
        raise UserError("a forced update needs a reason (--why): the history will show it")
    with hold(project.root, wait_s=wait_s):
        done = _update(project, settings, base, until, put_live=put_live, why=why if force else None, who=who)
    publish_lines("update", done.text().splitlines(), "how the update was judged, and what followed")
    logger.info("%s", " ".join(done.text().splitlines()))
    return done


def _update(
    project: Project,
    settings: Settings,
    base: str | None,
    until: int | None,
    *,
    put_live: bool,
    why: str | None,
    who: str | None,
) -> Updated:
    store, params = ReleaseStore(settings.home), project.section("update", Params, optional=True)
    sides = choose(store, base)
    if put_live and base is not None and store.read(store.live() or base).base != base:
        raise UserError(f"--from {base} is not what is live; add --no-release to make its update without releasing it")
    if put_live and why is None and (update := taken_back(store)):
        reason = f"update {update} was taken back; a new release, or --force --why, ends that"
        return Updated(base=sides.base.release, position=last_event(settings), reason=reason)
    check_precisions(project)
    check_overrides(store.bundle(sides.base.release), params)
    if put_live:  # also asked at the end: it takes a second, and judging minutes
        check_code(project, store.bundle(sides.base.release), sides.base)
    known = read(project, settings, sides.base, until)
    done = Updated(base=sides.base.release, position=known.position)
    if put_live and known.position <= int(sides.live.update.get("position", sides.base.events_through)):
        return replace(done, reason=f"{sides.live.release} knows the events through {known.position} already")
    verdict = judge(project, settings, sides, known, params)
    done = replace(done, verdict=verdict)
    if put_live and not verdict.releases and why is None:
        return replace(done, reason="it was not shown to be no worse than what is live")
    manifest, rows = fit(project, settings, sides, known, params)
    done = replace(done, bundle_hash=manifest.hash)
    if not put_live:
        return replace(done, reason=f"as asked; the bundle is in {BUNDLE}")
    if manifest.hash == sides.live.bundle_hash:
        return replace(done, reason="nothing that an update learns has changed")
    new = NewUpdate(
        base=sides.base,
        bundle=project.root / BUNDLE,
        function_of=function_of(sides.base, known, params),
        facts={"update_rows": rows, "set_aside": dict(known.set_aside), "progressive": verdict.as_dict()},
        why=why or f"an update through event {known.position}, {verdict.updated.outcome.replace('_', ' ')}",
        forced=not verdict.releases,
    )
    return replace(done, release=_release(project, settings, new, who or getpass.getuser()))


def _release(project: Project, settings: Settings, new: NewUpdate, who: str) -> str:
    """The steps of flow `release`; an update's files are not shared: release, position and params make them again."""
    with release_lock(settings):
        plan = begin_update(project, settings, new, who=who)
        materialize(plan)
        tag = build_bento(plan)
        n_queries = replay_queries(plan, tag)
        done = swap(plan, tag)
        record(plan, done, n_queries)
        for name in drop_old_updates(settings):
            logger.info("release=%s: an update that was followed by others is removed", name)
    return str(done.release)


if __name__ == "__main__":
    main(update_flow)
