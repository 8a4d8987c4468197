"""Crash recovery on the Prefect server: `python -m flows.orchestration.automations` makes (or renews) two automations.

A run whose process died stops beating; the server marks it Crashed. A run that is Crashed is started again from its
deployment; flows/orchestration/restarts.py caps how often in a row. Both act on runs with our tag only: a server may
have flows of other teams, which beat at another pace or restart by other rules. Making them twice changes nothing.
"""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from typing import Any

from features.settings import Settings
from features.telemetry import quiet_telemetry
from flows.orchestration.run_labels import TAG

logger = logging.getLogger(__name__)

SILENT, CRASHED = "recops: a run without heartbeat has crashed", "recops: a crashed run is started again"
WEBHOOK = "recops-webhook"
WITHIN_S = 90  # three beats of PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 (flows/orchestration/decorators.py, prefect.yaml)
LONGEST_RUN = timedelta(days=30)
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = ("Completed", "Failed", "TimedOut", "Cancelled", "Skipped", "Crashed")  # names of states, not their types
OURS = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
DEPLOYED = {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.*"}


def make_automations(settings: Settings, *, within_s: int = WITHIN_S) -> list[str]:
    """Makes both, or renews those that are there; their names."""
    wanted = [silent_run(settings, within_s), crashed_run()]
    for automation in wanted:
        there = _named(automation.name)
        if there is None:
            automation.create()
        else:
            automation.id = there
            automation.update()
    return [automation.name for automation in wanted]


def silent_run(settings: Settings, within_s: int) -> Any:
    """No beat for `within_s` after the last one, and no end: the run is Crashed; the webhook is told if there is one.

    A run that is marked from outside has no process left to run its hooks, so this automation tells in their place.
    """
    from prefect.automations import Automation, CallWebhook, ChangeFlowRunState, EventTrigger, Posture
    from prefect.client.schemas.objects import StateType

    trigger = EventTrigger(
        after={HEARTBEAT},
        expect={HEARTBEAT, *(f"prefect.flow-run.{end}" for end in ENDS)},
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related=OURS,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=within_s),
    )
    message = f"no heartbeat for {within_s} s: its process is gone"
    actions: list[Any] = [ChangeFlowRunState(state=StateType.CRASHED, message=message)]
    if settings.webhook_url.get_secret_value():
        text = f"recops: run {{{{ flow_run.name }}}}: Crashed: {message}"
        actions.append(CallWebhook(block_document_id=_webhook(settings), payload=f'{{"text": "{text}"}}'))
    return Automation(name=SILENT, description="A worker or flow that was killed.", trigger=trigger, actions=actions)


def crashed_run() -> Any:
    """A Crashed run of a deployment: the deployment runs again, unless the run crashed before it was Running.

    A flow that cannot even be loaded never comes to count its restarts, and would be started for ever.
    """
    from prefect.automations import Automation, EventTrigger, Posture, RunDeployment

    trigger = EventTrigger(
        after={"prefect.flow-run.Running"},
        expect={"prefect.flow-run.Crashed"},
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related=[OURS, DEPLOYED],
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=LONGEST_RUN,
    )
    actions = [RunDeployment(source="inferred", deployment_id=None)]
    return Automation(
        name=CRASHED, description="Capped by flows/orchestration/restarts.py.", trigger=trigger, actions=actions
    )


def _named(name: str) -> Any:
    """Id of the automation of that name, None when there is none."""
    from prefect.automations import Automation

    try:
        automation: Any = Automation.read(name=name)
    except ValueError:
        return None
    return automation.id


def _webhook(settings: Settings) -> Any:
    """Id of the block that holds RECOPS_WEBHOOK_URL on the server."""
    from prefect.blocks.webhook import Webhook

    block = Webhook(method="POST", url=settings.webhook_url)
    return block.save(WEBHOOK, overwrite=True)


def main() -> None:
    """Makes them on the server that PREFECT_API_URL names or that runs here."""
    from features.errors import UserError
    from flows.orchestration.server import LOCAL, choose_server

    settings = Settings()
    quiet_telemetry()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    try:
        if choose_server(settings) is None:
            raise UserError(f"no Prefect server at {LOCAL}; start one (`prefect server start`) or set PREFECT_API_URL")
        for name in make_automations(settings):
            logger.info("automation is there: %s", name)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
