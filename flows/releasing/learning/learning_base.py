"""What a release learns from between releases: the rows that its data hold, and sums of them, beside its bundle."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from flows.project.dataset import Project
from flows.releasing.refit import log_of_all
from models.data.types import Log
from models.learning.base import FOLDER, make_base, write_base
from models.learning.params import Params
from models.registry import make
from models.release.plan import load_catalogue, read_plan
from models.release.refit import params_of

logger = logging.getLogger(__name__)


def prepare_learning(project: Project, bundle: Path, release: Path) -> None:
    """Writes `learning/` into a release's folder where `learn.enabled` asks for it: of all rows of the project's data,
    cleaned, so that learning goes on from what is known although the bundle may have been fitted on less."""
    params = project.section("learn", Params, optional=True)
    if params.enabled:
        write_learning(bundle, release, log_of_all(project, bundle), params)


def write_learning(bundle: Path, release: Path, log: Log, params: Params) -> None:
    """Writes `learning/` of a bundle's retrievers, beginning with the rows of a log: all that the release's data hold
    (events up to its `events_through` among them)."""
    started = time.monotonic()
    names = read_plan(bundle).retrievers
    retrievers = {name: make("retriever", name, params_of(name, bundle / "retrievers" / name)) for name in names}
    write_base(make_base(retrievers, load_catalogue(bundle), log, params), release / FOLDER)
    logger.info("learning prepared n_rows=%d seconds=%.1f", len(log.items), time.monotonic() - started)
