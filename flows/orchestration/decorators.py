"""`@recops_flow` and `@recops_task`: what every flow and task of ours has, whichever way it is started.

Both have a time limit and keep nothing between runs. Flows also have a heartbeat, tags, a name, a version, hooks that
tell of a bad end, and two ends that are no failure: another run is under way (`Skipped`), and Ctrl-C (`Cancelled`).
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Flow, Task, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TaskRunContext, refresh_global_settings_context
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Cancelled

from features.errors import RefusedError, UserError
from features.settings import Settings, read_settings
from features.telemetry import quiet_telemetry
from flows.orchestration.busy import BusyError
from flows.orchestration.limits import BACKSTOP_S, time_limit
from flows.orchestration.notify import notify_hooks
from flows.orchestration.run_labels import TAG, code_version, root_of, run_name, tag_run
from flows.orchestration.server import OUR_LOGGERS, choose_server

P = ParamSpec("P")
R = TypeVar("R")

HEARTBEAT_S = 30  # the least that Prefect accepts; the automations count on it
SKIPPED = "Skipped"
STOPPED = (
    "stopped, nothing lost: what had finished stays, and the next run goes on from there"  # the command says it too
)


class RecopsFlow(Flow[P, R]):
    """A flow that also beats and has its tag when it is called in Python: command line, notebook, another flow.

    Raises:
        BusyError: another run is under way; the flow run is `Skipped`.
        KeyboardInterrupt: Ctrl-C; the flow run is `Cancelled`.
    """

    def __call__(self, *args: Any, return_state: bool = False, **kwargs: Any) -> Any:  # type: ignore[override]
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: HEARTBEAT_S}), tags(TAG):
            state = cast(State[Any], super().__call__(*args, return_state=True, **kwargs))
        if return_state:
            return state
        if state.is_cancelled():
            raise BusyError(state.message) if state.name == SKIPPED else KeyboardInterrupt(state.message)
        return state.result()


def recops_flow(*, name: str) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Decorator of a flow. Its parameter `root`, if it has one, names the project folder."""
    # what Prefect starts from this process (`flow.serve()`, a worker) beats as well; prefect.yaml says it to the rest
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_S))

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> Any:
            root = root_of(inspect.signature(function).bind(*args, **kwargs).arguments)
            _show_lines()
            tag_run(root)
            try:
                with time_limit(f"flow {name}", Settings().flow_timeout_s, "RECOPS_FLOW_TIMEOUT_S"):
                    return function(*args, **kwargs)
            except BusyError as error:
                return Cancelled(name=SKIPPED, message=str(error))
            except KeyboardInterrupt:
                return Cancelled(message=STOPPED)

        return RecopsFlow(
            fn=run,
            name=name,
            version=code_version(),
            flow_run_name=run_name,
            timeout_seconds=Settings().flow_timeout_s + BACKSTOP_S,
            persist_result=False,
            validate_parameters=False,
            **notify_hooks(),
        )

    return decorate


def recops_task(**options: Any) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorator of a task; options: those of `prefect.task`. With a name its runs have that, without a number."""
    if "name" in options:
        options.setdefault("task_run_name", options["name"])

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with time_limit(_what_runs(), Settings().task_timeout_s, "RECOPS_TASK_TIMEOUT_S"):
                return function(*args, **kwargs)

        timeout_s = Settings().task_timeout_s + BACKSTOP_S
        return task(cache_policy=NO_CACHE, persist_result=False, timeout_seconds=timeout_s, **options)(run)

    return decorate


def _show_lines() -> None:
    """Our lines of level INFO reach the run's page also where nobody chose a level, as in a worker's process."""
    for package in OUR_LOGGERS:
        if logging.getLogger(package).level == logging.NOTSET:
            logging.getLogger(package).setLevel(logging.INFO)


def _what_runs() -> str:
    """The task that is under way, for a sentence: `train: stage embed`."""
    flow_context, task_context = FlowRunContext.get(), TaskRunContext.get()
    flow_name = f"{flow_context.flow.name}: " if flow_context and flow_context.flow else ""
    return f"{flow_name}{task_context.task.name if task_context else 'a task'}"


def main(flow: Flow[..., Any]) -> None:
    """`python -m flows.NAME`: the flow on the current folder, with the exit codes of the command line."""
    quiet_telemetry()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("flows").setLevel(logging.INFO)
    try:
        choose_server(read_settings())
        refresh_global_settings_context()  # Prefect was imported before its server was chosen
        flow()
    except UserError as error:
        _end(2, str(error))
    except RefusedError as error:
        _end(1, str(error))
    except KeyboardInterrupt as interrupt:
        _end(130, str(interrupt) or "stopped")


def _end(code: int, message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(code)
