"""Waits until the running services have loaded a release; imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

from features.errors import RefusedError
from models.release.running import IN_PLACE_S, wait_until_followed


def require_followed(home: Path, release: str, *, in_place_s: float = IN_PLACE_S) -> str:
    """Waits until every running service of a home has loaded a release; returns a sentence for the user.

    Raises:
        RefusedError: one refused it, or has not loaded it in time; names each with its reason.
    """
    outcome = wait_until_followed(home, release, in_place_s=in_place_s)
    if not outcome.refused and not outcome.waiting:
        n_loaded = len(outcome.loaded)
        return f"loaded by {n_loaded} running service process{'es' * (n_loaded > 1)}" if n_loaded else "no service runs"
    faults = [f"{name} refused it: {reason}" for name, reason in sorted(outcome.refused.items())]
    faults += [f"{name} has not loaded it yet" for name in sorted(outcome.waiting)]
    raise RefusedError(
        f"release {release} is live in {home}, but not all running services serve it: {'; '.join(faults)}. They go on "
        "with the release before and try again; put another one live (`recops rollback ID`) or see the service's log"
    )
