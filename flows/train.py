"""Flow `train`: every DVC stage a task run with its name, in the order of dvc.yaml, through DVC itself."""

from __future__ import annotations

import json
import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from prefect.client.schemas.objects import State
from prefect.states import Completed

from features.settings import Settings
from flows.asking.answer_shards import share
from flows.asking.in_runs import answers_folder, ask_in_run, asks, asks_something
from flows.asking.telling import asked_lines
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import flow_run_id, publish_train
from flows.orchestration.restarts import enforce_restart_limit
from flows.orchestration.validations import record_validation
from flows.project.dag import Dag, StageCrashError, project_root, wanted_and_stale
from flows.project.dataset import Project
from flows.project.provenance import bundle_hash, git_state, lock_hash, note_run, results_of
from flows.project.reference import refresh_reference
from flows.project.resolve import refresh_resolved, stale_here
from flows.project.run_events import Listener, RunStarted, StageEnded, StageLine, StageStarted, echo_lines
from flows.project.running.freshness import judge_freshness
from flows.project.running.stage_seconds import expected_seconds, note_seconds

logger = logging.getLogger("flows.train")  # Prefect loads this file by its path, under another __name__

BUNDLE = "data/bundle"
# no parameter of the flow: Prefect keeps those
_listener: ContextVar[Listener] = ContextVar("listener", default=echo_lines)


@dataclass(frozen=True)
class Outcome:
    """What a run did: names of stages that ran and that were up to date; the gate's verdict, None when not reached."""

    ran: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    promote: bool | None = None


def _worth_another_try(task: Any, run: Any, state: State[Any]) -> bool:
    """A stage that was killed may succeed the second time; one that said why it stopped will say so again."""
    return isinstance(state.result(raise_on_failure=False), StageCrashError)


@recops_task(retries=1, retry_delay_seconds=1, retry_condition_fn=_worth_another_try)
def run_stage(dag: Dag, stage: StageStarted) -> Any:
    """One stage through DVC; a stage that is up to date completes as `Skipped`."""
    name, listener = stage.name, _listener.get()
    if not dag.is_stale(name):
        listener(StageEnded(name, 0.0, "skipped"))
        return Completed(name="Skipped", message="up to date")

    page = _page_logger()

    def tell(line: str) -> None:
        listener(StageLine(name, line))
        page.info("%s", line)

    listener(stage)
    started = time.monotonic()
    try:
        dag.run(name, tell)
    except BaseException:
        listener(StageEnded(name, time.monotonic() - started, "failed"))
        raise
    seconds = time.monotonic() - started
    note_seconds(dag.root, dag.profile(), name, seconds)
    listener(StageEnded(name, seconds, "ran"))
    logger.info("stage=%s seconds=%.1f", name, seconds)
    return Completed(name="Completed", message=f"ran in {seconds:.1f} s")


def _page_logger() -> logging.Logger | logging.LoggerAdapter[Any]:
    """Writes to the task run's page alone: whoever started the run has the lines from the listener."""
    from prefect.logging import get_run_logger

    logging.getLogger("prefect.task_runs").setLevel(logging.INFO)  # others stay at PREFECT_LOGGING_LEVEL
    return get_run_logger()


@recops_flow(name="train")
def train_flow(root: str | None = None, until: str | None = None, wait_s: float = 3600) -> Any:
    """Every stage of dvc.yaml in order; artifacts show the metrics against the champion and the gate's verdict.

    root: the project folder, the current one by default; until: last stage to run; wait_s: how long to wait for
    another run in the same workspace.
    """
    enforce_restart_limit()
    began = datetime.now(UTC)
    project = Project(project_root(Path(root) if root else Path.cwd()))
    dag = Dag(project.root)
    with dag.exclusive(wait_s=wait_s):
        judge_freshness(project)
        names, stale = stale_here(dag, until, Settings())
        if not stale and not asks_something(dag, Settings(), names):  # no task for each stage only to say so
            logger.info("nothing to do: all %d stages are up to date", len(names))
            publish_train(project.paths.reports, [])
            return Outcome([], names, verdict(project))
        try:
            outcome = _run_all(dag, Settings(), until)
        finally:
            record_validation(project.paths.reports, Settings(), began)
    note_run(project, Settings().home, flow_run_id(), outcome.ran)
    origin = {"bundle": bundle_hash(project), "dvc.lock": lock_hash(project), "git": git_state(project.root).commit}
    publish_train(project.paths.reports, results_of(project, outcome.ran), origin)
    return outcome


@recops_task(name="ask")
def ask_task(dag: Dag, settings: Settings) -> str:
    """Asks a language server what is open, within the settings' budget, before the stage that reads the answers.

    A server that fails fails no run: what it did not answer has its local text, and the next run asks again.
    """
    project = Project(dag.root)
    asked = ask_in_run(project, settings)
    if share(project, settings):
        dag.forget()
    for line in asked_lines(asked):
        logger.info("%s", line)
    return asked.stopped or "all asked"


def _run_all(dag: Dag, settings: Settings, until: str | None) -> Outcome:
    _prepare(dag, settings)
    listener = _listener.get()
    names, stale = wanted_and_stale(dag, until)
    listener(RunStarted(tuple(names), tuple(stale)))
    if not stale and not asks_something(dag, settings, names):  # then none will become so
        for name in names:
            listener(StageEnded(name, 0.0, "skipped"))
        return Outcome([], names, verdict(Project(dag.root)))
    expected = expected_seconds(dag.root, dag.profile())
    ran: list[str] = []
    skipped: list[str] = []
    readers = dag.readers_of(answers_folder(Project(dag.root))) if asks(Project(dag.root), settings) else set()
    for number, name in enumerate(names, start=1):
        if name in readers:
            ask_task(dag, settings)
            readers = set()
        stage = StageStarted(name, number, len(names), expected.get(name))
        state = run_stage.with_options(name=name, task_run_name=name)(dag, stage, return_state=True)
        state.result()
        (skipped if state.name == "Skipped" else ran).append(name)
    return Outcome(ran, skipped, verdict(Project(dag.root)))


def train(project: Project, *, wait_s: float) -> Outcome:
    """Runs the flow if anything is stale; with nothing to do it says so by an Outcome without runs and starts no flow.

    Raises:
        UserError: the data or the params are at fault, or another run holds the workspace.
        RefusedError: a stage's answer is no, or the data are too old (`freshness.when_older: fail`).
    """
    dag = Dag(project.root)
    names, stale = stale_here(dag, None, Settings())
    if not stale and not asks_something(dag, Settings(), names):
        judge_freshness(project)
        return Outcome([], names, verdict(project))
    return begin(dag, None, wait_s)


def begin(dag: Dag, until: str | None, wait_s: float, *, listener: Listener = echo_lines) -> Outcome:
    """Starts the flow, which opens the DAG anew; the caller has seen that something is stale.

    listener: is told what happens, in this thread (flows/project/run_events.py).
    """
    dag.forget()
    token = _listener.set(listener)
    try:
        return cast(Outcome, train_flow(str(dag.root), until, wait_s))
    finally:
        _listener.reset(token)


def verdict(project: Project) -> bool | None:
    """The gate's answer as it stands in data/reports/decision.json; None when there is none."""
    path = project.paths.reports / "decision.json"
    return bool(json.loads(path.read_text(encoding="utf-8"))["promote"]) if path.is_file() else None


def _prepare(dag: Dag, settings: Settings) -> None:
    """Before the first stage: no leftovers of retrievers that are gone; what this machine chooses and the champion of
    today as inputs."""
    if dag.remove_orphans():
        dag.forget()
    if refresh_resolved(Project(dag.root), settings):
        dag.forget()
    if dag.needed_by(dag.maker_of(BUNDLE)) & set(dag.stale()) and refresh_reference(Project(dag.root), settings):
        dag.forget()


if __name__ == "__main__":
    main(train_flow)
