"""The verdict of a run in a few lines: the gate's answer, the headline metric, and the report to open."""

from __future__ import annotations

import json
from typing import Any

from features.settings import Settings
from flows.project.dataset import Project
from models.release.store import ReleaseError, ReleaseStore


def verdict_lines(project: Project) -> list[str]:
    """What the gate decided of data/bundle, by which figures, and the report; empty when nothing was judged.

    The headline metric is always told, a guard only when it stands against the bundle.
    """
    path = project.paths.reports / "decision.json"
    if not path.is_file():
        return []
    decision: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    primary, *guards = decision["checks"]
    against = [check for check in guards if not check["passed"] and check["outcome"] != "too_few"]
    lines = [decision["reasons"][0], *(f"  {check['sentence']}" for check in (primary, *against)), *decision["notes"]]
    page = project.paths.reports / "report.html"
    return [*lines, f"Report: {page.relative_to(project.root)}"] if page.is_file() else lines


def next_step(project: Project, settings: Settings) -> str:
    """What to do with the bundle that was judged last: the command, and what it does."""
    path = project.paths.reports / "decision.json"
    if not path.is_file():
        return "`recops run`"
    decision = json.loads(path.read_text(encoding="utf-8"))
    store = ReleaseStore(settings.home)
    try:
        live = store.live()
        is_live = live is not None and store.read(live).judged == decision.get("bundle_hash")
    except ReleaseError:  # `recops doctor` says what is wrong with it
        is_live = False
    if is_live:
        return "`recops serve` answers requests from it: the judged bundle is live"
    if decision["promote"]:
        return "`recops release` puts the judged bundle live"
    return "change params.yaml or bring more data, then `recops run` (the report says what stood against it)"
