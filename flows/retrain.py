"""Flow `retrain`: what users did comes back. Export new events into data/raw, train, release if the gate says so."""

from __future__ import annotations

import getpass
import logging
from pathlib import Path

from features.settings import Settings
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import publish_lines
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dag import project_root
from flows.project.dataset import Project
from flows.project.imports import ExportReport, export_events
from flows.recorded.measured_skew import SkewReport, measure
from flows.release import release
from flows.train import Outcome, train
from models.release.bundle import read_manifest
from models.release.store import ReleaseStore

logger = logging.getLogger("flows.retrain")  # Prefect loads this file by its path, under another __name__


def worth_releasing(project: Project, settings: Settings, outcome: Outcome) -> str | None:
    """Why the bundle stays where it is; None when it is to go live.

    A bundle that was live before and was taken back is not put live again by a schedule.
    """
    if not outcome.promote:
        return "the gate did not promote it"
    mark = read_manifest(project.paths.bundle).hash[:8]
    store = ReleaseStore(settings.home)
    spans = [span.release for span in store.history() if span.release.endswith(f"-{mark}")]
    if not spans:
        return None
    live = store.live()
    if live in spans:
        return f"it is live already as {live}"
    if live and store.has(live) and store.read(live).base in spans:
        return f"{live} is live, an update of it"
    return f"it was live as {spans[-1]} and taken back; `recops release` puts it live again by hand"


@recops_task(name="export")
def _export(project: Project, settings: Settings, wait_s: float) -> ExportReport:
    return export_events(project, settings, wait_s=wait_s)


@recops_task(name="skew")
def _skew(project: Project, settings: Settings) -> SkewReport:
    """Recorded features against the offline tables; a fault of the measurement is told and blocks nothing."""
    try:
        report = measure(project, settings)
    except Exception:
        logger.exception("skew could not be measured")
        return SkewReport(release=None, n_records=0, n_rows=0, limit=settings.skew_limit, features=())
    publish_lines("skew", report.lines(), "recorded features against the offline tables")
    return report


@recops_flow(name="retrain")
def retrain_flow(root: str | None = None, wait_s: float = 3600) -> str:
    """Export, train, measure skew, release if promoted; one sentence says how it ended.

    root: the project folder, the current one by default; wait_s: how long to wait for another run in the workspace.
    """
    enforce_restart_limit()
    project, settings = Project(project_root(Path(root) if root else Path.cwd())), Settings()
    exported = _export(project, settings, wait_s)
    outcome = train(project, wait_s=wait_s)
    stays = worth_releasing(project, settings, outcome) or _skew(project, settings).blocked
    if stays is None:
        done = release(project, settings, who=getpass.getuser(), why="promoted by the gate in a scheduled retrain")
        summary = f"{exported.text()}, {len(outcome.ran)} stages ran, released {done.release}"
    else:
        summary = f"{exported.text()}, {len(outcome.ran)} stages ran, nothing released: {stays}"
    logger.info("%s", summary)
    return summary


if __name__ == "__main__":
    main(retrain_flow)
