"""Flow `retrain`: what users did comes back. Export new events into data/raw, train, release if the gate says so."""

from __future__ import annotations

import getpass
import logging
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from features.events import EventLog
from features.importing import append_events
from features.params import read_params
from features.raw import SIDECAR, read_sidecar, recover
from features.settings import Settings
from flows.dag import Dag, project_root
from flows.notify import notify_hooks
from flows.project import RAW, put_under_dvc
from flows.release import release
from flows.restarts import guard
from flows.sources import last_event, make_solid
from flows.train import Outcome, train
from models.bundle import read_manifest
from models.releases import ReleaseStore

logger = logging.getLogger(__name__)

BUNDLE = Path("data/bundle")


def export_events(root: Path, settings: Settings, *, wait_s: float = 0) -> int:
    """Adds the events since the last export to data/raw, exactly once; how many.

    The watermark (`events_through` in data/raw/source.json) and the rows are replaced together, so an export that was
    killed either happened or did not. The simulated world is made solid first, so that events can be added to it.

    Raises:
        UserError: a run holds the workspace for longer than `wait_s`.
    """
    dag = Dag(root)
    with dag.exclusive(wait_s=wait_s):
        if last_event(settings) <= exported_through(root):
            _repair(root)
            return 0
        make_solid(root, settings)
        after = exported_through(root)
        log = EventLog(settings.events_url)
        try:
            rows, through = log.to_interactions(after)
        finally:
            log.close()
        n_events = append_events(root / RAW, rows, through, after=after)
        put_under_dvc(root, RAW)
    return n_events


def exported_through(root: Path) -> int:
    """Sequence number of the last event that data/raw holds; 0 when it is not what the pipeline reads."""
    recover(root / RAW)
    if read_params(root / "params.yaml")["source"]["input"] != RAW or not (root / RAW / SIDECAR).is_file():
        return 0
    return read_sidecar(root / RAW).events_through


def worth_releasing(root: Path, settings: Settings, outcome: Outcome) -> str | None:
    """Why the bundle stays where it is; None when it is to go live.

    A bundle that was live before and was taken back is not put live again by a schedule.
    """
    if not outcome.promote:
        return "the gate did not promote it"
    mark = read_manifest(root / BUNDLE).hash[:8]
    store = ReleaseStore(settings.home)
    spans = [span.release for span in store.history() if span.release.endswith(f"-{mark}")]
    if not spans:
        return None
    if store.live() in spans:
        return f"it is live already as {store.live()}"
    return f"it was live as {spans[-1]} and taken back; `recops release` puts it live again by hand"


def _repair(root: Path) -> None:
    """An export that was killed between the rows and `dvc add` is ended now."""
    if (root / RAW).is_dir():
        put_under_dvc(root, RAW)


@task(name="export", cache_policy=NO_CACHE, persist_result=False)
def _export(root: Path, settings: Settings, wait_s: float) -> int:
    return export_events(root, settings, wait_s=wait_s)


@flow(name="retrain", persist_result=False, validate_parameters=False, **notify_hooks())
def retrain_flow(root: str | None = None, wait_s: float = 3600) -> str:
    """Export, train, release if promoted; one sentence says how it ended.

    root: the project folder, the current one by default; wait_s: how long to wait for another run in the workspace.
    """
    guard()
    folder, settings = project_root(Path(root) if root else Path.cwd()), Settings()
    n_events = _export(folder, settings, wait_s)
    outcome = train(folder, wait_s=wait_s)
    stays = worth_releasing(folder, settings, outcome)
    if stays is None:
        done = release(folder, settings, who=getpass.getuser(), why="promoted by the gate in a scheduled retrain")
        said = f"{n_events} events exported, {len(outcome.ran)} stages ran, released {done.release}"
    else:
        said = f"{n_events} events exported, {len(outcome.ran)} stages ran, nothing released: {stays}"
    logger.info("%s", said)
    return said


if __name__ == "__main__":
    retrain_flow()
