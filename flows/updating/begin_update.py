"""The beginning of an update's release: its bundle and the judged one in the scratch folder, the code unchanged."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import RefusedError
from features.settings import Settings
from flows.project.dataset import Project
from flows.releasing.bento import prepare
from flows.releasing.cleanup import clean
from flows.releasing.steps import Plan
from models.release.bundle import unseal
from models.release.code import code_of
from models.release.store import Release, ReleaseStore
from models.release.trial import running_trial

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NewUpdate:
    """An updated bundle that is to go live: of which release, where it lies, what it is a function of, and how it was
    judged."""

    base: Release
    bundle: Path
    function_of: Mapping[str, Any]
    facts: Mapping[str, Any]
    why: str
    forced: bool = False


def begin_update(project: Project, settings: Settings, update: NewUpdate, *, who: str) -> Plan:
    """As `steps.begin`, for an update. What the gate judged stays beside it, and later gates compare with that.

    Raises:
        RefusedError: a release is on trial, or the project's code is not that of the release.
    """
    for release in clean(settings):
        logger.info("release=%s was never finished: its leftovers are removed", release)
    store = ReleaseStore(settings.home)
    if trial := running_trial(store):
        raise RefusedError(
            f"release {trial.release} is on trial, which an update would end; end it first (`recops promote` or "
            "`recops release --abort`)"
        )
    instant, shipped = datetime.now(UTC).strftime("%Y%m%d-%H%M%S"), unseal(update.bundle)
    plan = Plan(
        release=f"{instant}-{shipped.hash[:8]}",
        project=project,
        settings=settings,
        manifest=unseal(store.judged(update.base.release)),
        who=who,
        why=update.why,
        forced=update.forced,
        lineage=update.facts,
        base=update.base,
        update=update.function_of,
    )
    plan.scratch.mkdir(parents=True)
    shutil.copytree(store.judged(update.base.release), plan.judged)
    shutil.copytree(update.bundle, plan.scratch / "bundle")
    shutil.rmtree(update.bundle)  # what is kept of users is kept with releases, where `recops forget` finds it
    check_code(project, plan.scratch / "bundle", update.base)
    profile = store.folder(update.base.release) / "profile.json"
    if profile.is_file():
        shutil.copy(profile, plan.scratch / "profile.json")
    return plan


def check_code(project: Project, bundle: Path, base: Release) -> None:
    """An update changes what was learned, and never the code that serves it.

    Raises:
        RefusedError: the project's code, which would serve the bundle, is not that of the release.
    """
    if base.bento_tag is None:
        return
    with tempfile.TemporaryDirectory(prefix="recops-code-") as scratch:
        code = code_of(prepare(project.root, bundle, Path(scratch) / "context"))
    if code != code_of(base.bento_tag):
        raise RefusedError(
            f"{project.root}: its code is {code}, expected {code_of(base.bento_tag)} of release {base.release}; "
            "other code goes live by `recops run` and `recops release`"
        )
