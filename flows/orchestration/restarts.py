"""A cap on restarts: a flow that crashed again and again is not started a further time by the automations."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from features.errors import RefusedError

logger = logging.getLogger(__name__)

MOST_RESTARTS = 3
LOOKED_AT = 20


def enforce_restart_limit(most: int = MOST_RESTARTS) -> int:
    """At the start of a deployed flow: which restart in a row this is (0: the run before did not crash).

    Raises:
        RefusedError: it would be more than `most`. That run ends Failed, not Crashed, so nothing starts it again, and
            the next scheduled run is a first try.
    """
    before = states_before()
    crashes = in_a_row(before)
    if crashes > most:
        raise RefusedError(
            f"the {crashes} runs before this one crashed, and {most} restarts are allowed; look at their logs (memory? "
            "disk?), then start it by hand: `prefect deployment run`"
        )
    if crashes:
        logger.error("the run before this one crashed; this is restart %d of at most %d", crashes, most)
    return crashes


def in_a_row(states: Iterable[str]) -> int:
    """How many of the latest runs crashed with none between them that did not, newest first."""
    n = 0
    for state in states:
        if state != "CRASHED":
            break
        n += 1
    return n


def states_before() -> list[str]:
    """State types of the deployment's earlier runs that ended, newest first; none when this run has no deployment."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.deployment_id is None:
        return []
    ended = [StateType.CRASHED, StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED]
    with get_client(sync_client=True) as client:
        earlier_runs = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[run.deployment_id])),
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(not_any_=[run.id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=ended)),
            ),
            sort=FlowRunSort.START_TIME_DESC,
            limit=LOOKED_AT,
        )
    return [str(earlier.state_type.value) for earlier in earlier_runs if earlier.state_type]
