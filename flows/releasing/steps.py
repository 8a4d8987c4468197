"""The steps of a release as plain functions; flows/release.py runs them as tasks, one after the other.

Everything is made in a hidden folder `releases/.<id>.tmp` and an online namespace of its own. The live release is
touched by the last line of `swap` alone, so a crash before it changes nothing that is served.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from features.errors import RefusedError, UserError
from features.files import flush_folder
from features.privacy.hashed_ids import KEY, hasher_for, read_id_key
from features.settings import Settings
from flows.orchestration.pages.artifacts import flow_run_id, models_of
from flows.project.dataset import Project
from flows.project.reference import data_line
from flows.recorded.measured_skew import skew_refusal
from flows.releasing.bento import build_bento, folder_of, labels_of, prepare
from flows.releasing.cleanup import clean, drop_namespace, namespace_of, replay_namespace_of, scratch_of
from flows.releasing.learning.learning_base import prepare_learning
from flows.releasing.lineage import lineage
from flows.releasing.materialize import fill, publish_definitions
from flows.releasing.questions import answered_at, beyond_rounding, questions
from flows.releasing.refit import FIGURES, refit_bundle, release_params
from flows.releasing.replay import replay
from flows.releasing.sharing import share as put_release_under_dvc
from models.release.bundle import Manifest, read_manifest, unseal
from models.release.code import code_of
from models.release.store import JUDGED, Release, ReleaseStore, now
from models.release.trial import TrialError, TrialOptions, begin_trial, check_trial, running_trial

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A release that is being made: its id, from which project and bundle, by whom and why.

    lineage: what the bundle was made from, as it was when the release began; trial: it is tried beside the live release
    in place of going live; base: the release that this one is an update of; update: what Release.update will say.
    """

    release: str
    project: Project
    settings: Settings
    manifest: Manifest
    who: str
    why: str
    forced: bool
    refit: bool = False
    lineage: Mapping[str, Any] = field(default_factory=dict)
    trial: TrialOptions | None = None
    base: Release | None = None
    update: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fitted_anew(self) -> bool:
        """Whether what is shipped is another bundle than the one that the gate judged."""
        return self.refit or self.base is not None

    @property
    def metrics(self) -> dict[str, float]:
        """Figures of the bundle that the gate judged."""
        return metrics_of(self.project) if self.base is None else dict(self.base.metrics)

    @property
    def store(self) -> ReleaseStore:
        return ReleaseStore(self.settings.home)

    @property
    def scratch(self) -> Path:
        return scratch_of(self.store, self.release)

    @property
    def judged(self) -> Path:
        """The bundle that the gate judged: beside the one that is shipped where that is another."""
        return self.scratch / (JUDGED if self.fitted_anew else "bundle")


def check(project: Project, settings: Settings, *, force: bool, why: str | None) -> Release | Manifest:
    """The sealed bundle that may go live; the release that has it live already.

    Raises:
        BundleError: there is no bundle, or it was altered since it was sealed.
        IdKeyError: the data hold hashed ids, and their key is not set.
        RefusedError: the gate refused the bundle or judged another one, and the release is not forced with a reason.
    """
    manifest = unseal(project.paths.bundle)
    id_key = read_id_key(project.paths.tables / "source.json")
    hasher_for(id_key, settings.id_key.get_secret_value(), str(project.paths.tables))  # the service would refuse it
    store = ReleaseStore(settings.home)
    live = store.live()
    if (
        live
        and (release := store.read(live)).judged == manifest.hash
        and release.refit == release_params(project).refit
        and release.kind == "release"
    ):
        return release
    if force and not why:
        raise UserError("a forced release needs a reason (--why): the history will show it")
    if not force and (refusal := refusal_of(project, manifest) or skew_refusal(settings)):
        raise RefusedError(f"{refusal}; nothing was put live (--force --why REASON overrides the gate)")
    return manifest


def check_new_trial(settings: Settings, manifest: Manifest) -> Release | None:
    """The release of this bundle that is on trial already.

    Raises:
        TrialError: nothing is live, this bundle is, or another release is on trial.
    """
    store = ReleaseStore(settings.home)
    live = store.read(check_trial(store, None))
    if live.judged == manifest.hash:
        raise TrialError(f"bundle {manifest.hash[:12]} is live as {live.release}: there is nothing to compare it with")
    running = running_trial(store)
    if running is None:
        return None
    tried = store.read(running.release)
    if tried.judged == manifest.hash:
        return tried
    raise TrialError(f"release {running.release} is on trial; end that first (`recops promote` or `--abort`)")


def refusal_of(project: Project, manifest: Manifest) -> str | None:
    """Why the gate does not let this bundle through; None when it does."""
    path = project.paths.reports / "decision.json"
    if not path.is_file():
        return f"refused: {path} is not there, so the bundle was never judged (`recops run`)"
    decision = json.loads(path.read_text(encoding="utf-8"))
    judged = decision.get("bundle_hash")
    if judged != manifest.hash:
        return (
            f"refused: {path} judges the bundle {str(judged)[:12]}, expected {manifest.hash[:12]} "
            "(data/bundle as it is now); run `recops run`"
        )
    if not decision["promote"]:
        return "refused by the gate: " + " ".join(decision.get("reasons") or ["no reason was given"])
    return None


def begin(
    project: Project,
    settings: Settings,
    manifest: Manifest,
    *,
    who: str,
    force: bool,
    why: str | None,
    trial: TrialOptions | None = None,
) -> Plan:
    """Removes unfinished releases, chooses the id, copies the bundle into the scratch folder.

    Raises:
        TrialError: it is to be tried, and the live release needs other code.
    """
    for release in clean(settings):
        logger.info("release=%s was never finished: its leftovers are removed", release)
    refused = refusal_of(project, manifest) is not None
    instant = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    reason = why or "promoted by the gate"
    refit = release_params(project).refit
    origin = lineage(project, settings.home, manifest)
    name = f"{instant}-{manifest.hash[:8]}"
    plan = Plan(
        release=name,
        project=project,
        settings=settings,
        manifest=manifest,
        who=who,
        why=reason,
        forced=force and refused,
        refit=refit,
        lineage=origin,
        trial=trial,
    )
    plan.scratch.mkdir(parents=True)
    shutil.copytree(project.paths.bundle, plan.judged)
    if unseal(plan.judged).hash != manifest.hash:
        raise UserError(
            f"{project.paths.bundle} changed while it was copied; wait for the run that makes it, release again"
        )
    if trial is not None:
        check_trial(plan.store, code_of(prepare(project.root, plan.judged, plan.scratch / "build" / "context")))
    if project.paths.profile.is_file():
        shutil.copy(project.paths.profile, plan.scratch / "profile.json")
    return plan


def refit(plan: Plan) -> None:
    """The bundle that is shipped, fitted anew on all data, beside the one that was judged.

    Raises:
        RefusedError: the sanity gate says no.
    """
    refit_bundle(plan.project, plan.judged, plan.scratch / "bundle", plan.scratch / FIGURES)


def materialize(plan: Plan) -> None:
    """Fills the release's own online namespace, and its folder with item states, as of the last row of the data.

    The views and services by which Feast's own tools read the live release are brought up to date too.
    """
    at, through = plan.project.data_until(), plan.project.events_through()
    fill(plan.settings, namespace_of(plan.release), plan.project, plan.scratch, at=at, through=through)
    publish_definitions(plan.settings, plan.project)
    prepare_learning(plan.project, plan.scratch / "bundle", plan.scratch)


def build(plan: Plan) -> str:
    """The Bento's tag."""
    bundle = plan.scratch / "bundle"
    labels = labels_of(read_manifest(bundle), plan.release, plan.metrics)
    return build_bento(plan.project.root, bundle, plan.settings, plan.scratch / "build", labels)


def replay_queries(plan: Plan, tag: str) -> int:
    """Asks the Bento test queries as of the test cutoff and compares the answers; returns the number of queries.

    Under leave-last-out every query has an instant of its own and a service has one now: the same users are then asked
    as of the last row of the data, online and offline. Evaluation did not record what a refitted bundle recommends
    offline, so that is computed here.

    The server gets a home of its own that holds this release only, an empty event log and an online namespace with
    the users of the queries: nothing of the live service is read or written.
    """
    bundle, cut = plan.scratch / "bundle", plan.project.test_cutoff()
    at = plan.project.data_until() if cut is None else cut
    queries = questions(plan.project.paths.recommendations)
    if cut is None or plan.fitted_anew:
        queries = answered_at(plan.project, bundle, queries, at)
    home = plan.scratch / "replay"
    shutil.rmtree(home, ignore_errors=True)
    namespace = replay_namespace_of(plan.release)
    aside = plan.settings.model_copy(update={"home": home, "database_url": ""})
    folder = ReleaseStore(home).folder(plan.release)
    folder.mkdir(parents=True)
    (folder / "bundle").symlink_to(bundle, target_is_directory=True)
    users = sorted({question.user_id for question in queries})
    try:
        fill(aside, namespace, plan.project, folder, at=at, through=0, users=users)
        release = replace(description(plan, tag), namespace=namespace, data_until=at, events_through=0)
        ReleaseStore(home).write(release)
        ReleaseStore(home).swap(plan.release, who=plan.who, why="replay")
        environment = {
            "RECOPS_HOME": str(home),
            "RECOPS_ONLINE_STORE": plan.settings.online_store,
            "RECOPS_RELEASE": plan.release,
            "RECOPS_AT": datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds"),
            KEY: plan.settings.id_key.get_secret_value(),
        }
        unexplained = partial(beyond_rounding, plan.project, bundle, at=at)
        return replay(folder_of(plan.settings, tag), environment, home, queries, unexplained)
    finally:
        drop_namespace(aside, namespace)


def swap(plan: Plan, tag: str) -> Release:
    """Records the release under its name, whole, then puts it live, or on trial, by one replacement of the pointer."""
    release = description(plan, tag)
    for scratch in ("replay", "build"):
        shutil.rmtree(plan.scratch / scratch, ignore_errors=True)
    text = json.dumps(release_json(release), indent=1, sort_keys=True) + "\n"
    (plan.scratch / "release.json").write_text(text, encoding="utf-8")
    _flush(plan.scratch)
    plan.scratch.rename(plan.store.folder(plan.release))
    flush_folder(plan.store.root)
    if plan.trial is None:
        plan.store.swap(plan.release, who=plan.who, why=plan.why)
    else:
        begin_trial(plan.store, plan.release, who=plan.who, why=plan.why, **asdict(plan.trial))
    return release


def share(project: Project, settings: Settings, release: str) -> None:
    """Adds a release's files to DVC; a failure does not undo the release."""
    try:
        path = put_release_under_dvc(project, settings, release)
    except UserError as error:
        logger.warning("release=%s is live, but not shared: %s; run `recops release` again to retry", release, error)
        return
    if path is not None:
        logger.info("%s: commit it, and `dvc push` shares the release", path.relative_to(project.root))


def description(plan: Plan, tag: str) -> Release:
    """The content of release.json."""
    return Release(
        release=plan.release,
        bundle_hash=read_manifest(plan.scratch / "bundle").hash,
        judged_hash=plan.manifest.hash,
        refit=plan.refit,
        created_at=now(),
        data_until=plan.project.data_until(),
        events_through=plan.project.events_through(),
        namespace=namespace_of(plan.release),
        bento_tag=tag,
        metrics=plan.metrics,
        source=dict(_origin(plan) if plan.base is None else _origin_of_update(plan, plan.base)),
        kind="release" if plan.base is None else "update",
        update=dict(plan.update),
    )


def release_json(release: Release) -> dict[str, Any]:
    """A Release as JSON has it."""
    return asdict(release)


def metrics_of(project: Project) -> dict[str, float]:
    """The bundle's own figures from data/reports/metrics.json."""
    path = project.paths.reports / "metrics.json"
    if not path.is_file():
        return {}
    return models_of(json.loads(path.read_text(encoding="utf-8"))).get("challenger", {})


def _origin(plan: Plan) -> Iterator[tuple[str, Any]]:
    """The lineage of the release."""
    yield "line", data_line(plan.project)
    yield "source", str((plan.project.params().get("source") or {}).get("name") or "")
    if id_key := read_id_key(plan.project.paths.tables / "source.json"):
        yield "id_key", id_key
    yield "data_hash", plan.manifest.data_hash
    yield "params_hash", plan.manifest.params_hash
    yield "code_version", plan.manifest.code_version
    yield from plan.lineage.items()
    yield "who", plan.who
    yield "forced", plan.forced
    if plan.refit:
        figures = json.loads((plan.scratch / FIGURES).read_text(encoding="utf-8"))
        yield "judged_bundle", plan.manifest.hash
        yield "refit_overlap", round(figures["overlap"], 4)
        yield "refit_coverage", round(figures["coverage"], 4)
    if run := flow_run_id():
        yield "flow_run", run


def _origin_of_update(plan: Plan, base: Release) -> Iterator[tuple[str, Any]]:
    """The lineage of its base, and what the update adds to it."""
    of_the_run = {"who", "forced", "flow_run"}
    yield from ((name, value) for name, value in base.source.items() if name not in of_the_run)
    yield from plan.lineage.items()
    yield "who", plan.who
    yield "forced", plan.forced
    if run := flow_run_id():
        yield "flow_run", run


def _flush(folder: Path) -> None:
    """Every file below is on the disk before the folder gets its name."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        elif path.is_dir():
            flush_folder(path)
    flush_folder(folder)
