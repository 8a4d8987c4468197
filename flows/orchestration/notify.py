"""Who is told when a flow run fails or crashes: a log line, and a webhook when RECOPS_WEBHOOK_URL names one."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, TypedDict

from features.settings import Settings
from flows.orchestration.loopback import open_url

if TYPE_CHECKING:
    from prefect.flows import FlowStateHook

logger = logging.getLogger(__name__)

TIMEOUT_S = 5.0
LONGEST_MESSAGE = 2000


class Hooks(TypedDict):
    """The arguments of `@flow` that tell of runs that end badly."""

    on_failure: list[FlowStateHook[Any, Any]]
    on_crashed: list[FlowStateHook[Any, Any]]


def notify_hooks() -> Hooks:
    """Arguments for `@flow`: the hooks that tell of a failed and of a crashed run."""
    return {"on_failure": [notify_failure], "on_crashed": [notify_failure]}


def notify_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Prefect's hook: says that a run ended badly. It never fails itself, or the run's own reason would be lost."""
    notice = notice_of(flow, flow_run, state)
    watched = getattr(flow_run, "deployment_id", None) is None  # by whoever called it, who is told the reason anyway
    reason = "" if watched else f" reason={notice['message']}"
    logger.error("flow=%s run=%s state=%s%s", notice["flow"], notice["run"], notice["state"], reason)
    url = Settings().webhook_url.get_secret_value()
    if url:
        post(url, notice)


def notice_of(flow: Any, flow_run: Any, state: Any) -> dict[str, str | None]:
    """What is told of a run: names, the state, its message, where to look at it (None with no server)."""
    return {
        "flow": str(flow.name),
        "run": str(flow_run.name),
        "run_id": str(flow_run.id),
        "state": str(state.name),
        "message": " ".join(str(state.message or "").split())[:LONGEST_MESSAGE],
        "url": page_of(flow_run.id),
    }


def page_of(flow_run_id: Any) -> str | None:
    """Address of a run's page on the server that this process reports to; None with no server."""
    from prefect.settings import get_current_settings

    api = str(get_current_settings().api.url or "")
    if not api:
        return None
    interface = str(get_current_settings().ui_url or api.removesuffix("/").removesuffix("/api"))
    return f"{interface}/runs/flow-run/{flow_run_id}"


def post(url: str, notice: dict[str, str | None]) -> bool:
    """Sends the notice as JSON; True when it was taken. A webhook that does not answer is a warning, no failure."""
    body = json.dumps({"text": _sentence(notice), **notice}).encode()
    try:
        request = urllib.request.Request(  # noqa: S310
            url, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        with open_url(request, timeout_s=TIMEOUT_S) as reply:
            return 200 <= int(reply.status) < 300
    except (OSError, urllib.error.URLError, ValueError) as error:
        logger.warning("the webhook of RECOPS_WEBHOOK_URL did not take the notice: %s", error)
        return False


def _sentence(notice: dict[str, str | None]) -> str:
    """One line that chat services show as it is."""
    where = f" ({notice['url']})" if notice["url"] else ""
    return f"recops: flow {notice['flow']}, run {notice['run']}: {notice['state']}: {notice['message']}{where}"
