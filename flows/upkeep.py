"""What a run is asked for and what of it is stale: asked of DVC before Prefect is even imported."""

from __future__ import annotations

from features.errors import UserError
from flows.dag import Dag


def wanted(dag: Dag, until: str | None) -> list[str]:
    """Stages to run, in order: all, or those that `until` needs (a family `train_retriever` means all of it)."""
    order = dag.order()
    if until is None:
        return order
    goals = [name for name in order if name == until or name.split("@")[0] == until]
    if not goals:
        raise UserError(f"dvc.yaml: no stage '{until}'; there are {order}")
    needed = set().union(*(dag.needed_by(goal) for goal in goals))
    return [name for name in order if name in needed]


def wanted_and_stale(dag: Dag, until: str | None) -> tuple[list[str], list[str]]:
    """Names of the stages that `until` needs, in order, and of those among them that are not up to date."""
    names = wanted(dag, until)
    stale = set(dag.stale())
    return names, [name for name in names if name in stale]
