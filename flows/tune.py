"""Flow `tune`: a budgeted search for better params of retrievers on valid; its result is a diff to accept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from features.errors import UserError
from features.files import locked
from flows.orchestration.busy import BusyError
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import publish_tune
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dag import Dag, project_root
from flows.project.dataset import Project
from flows.project.under_dvc import TUNING, make_writable, put_under_dvc
from flows.tuning.inputs import read_valid
from flows.tuning.proposal import propose, tasks_of, tune_params
from flows.tuning.study import Found, search

logger = logging.getLogger("flows.tune")  # Prefect loads this file by its path, under another __name__


@recops_task()
def _run(searching: Callable[[], Found]) -> Found:
    return searching()


@recops_flow(name="tune")
def tune_flow(
    root: str | None = None,
    retrievers: Sequence[str] = (),
    minutes: float = 10,
    trials: int = 30,
    horizon: str | None = None,
) -> str:
    """Searches one retriever after the other; the report as text.

    root: the project folder, the current one by default; retrievers: those in use but the slow ones by default;
    minutes: for all of them, what one leaves goes to those after it; trials: of each, those of earlier calls counted;
    horizon: see models/tuning/objective.py, that of params.yaml by default.
    """
    enforce_restart_limit()
    project = Project(project_root(Path(root) if root else Path.cwd()))
    ends = time.monotonic() + minutes * 60
    params, tasks = tune_params(project, horizon), tasks_of(project, retrievers)
    with _alone(project):
        make_writable(project.root, TUNING)
        with Dag(project.root).exclusive(wait_s=0):
            valid = read_valid(project, params)
        n_queries = sum(int(chunk.counted.sum()) for chunk in valid.chunks)
        logger.info("horizon=%s queries=%d retrievers=%d", params.horizon, n_queries, len(tasks))
        results = []
        for number, wanted in enumerate(tasks):
            seconds = (ends - time.monotonic()) / (len(tasks) - number)
            if seconds <= 0:
                results.append(Found(retriever=wanted.name))
                continue
            searching = partial(search, project.paths.tuning, wanted, valid, params, n_trials=trials, seconds=seconds)
            results.append(_run.with_options(name=wanted.name, task_run_name=wanted.name)(searching))
        text = propose(project, tasks, results, params)
        _keep(project)
    publish_tune(text)
    return text


def _keep(project: Project) -> None:
    """Studies and report go to DVC's cache: `data/tuning.dvc` says which they are, `dvc push` shares them."""
    try:
        put_under_dvc(project.root, TUNING)
    except UserError as error:  # the search has ended well; its files are there
        logger.warning("%s", error)


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    """One search in a project at a time: what another one is trying would be taken for what a killed one left."""

    def refusal(holder: str) -> BusyError:
        return BusyError(
            f"{project.paths.tuning}: another `recops tune` is under way (process {holder}); wait for it to end"
        )

    with locked(project.paths.tuning / ".lock", refusal):
        yield


if __name__ == "__main__":
    main(tune_flow)
