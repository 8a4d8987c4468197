"""What a Prefect server knows, asked over its HTTP API."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from tests.support.workspace import TEST_SERVER


def ask(route: str, body: dict[str, Any], api: str | None = None) -> Any:
    """The answer of a POST route, e.g. `flow_runs/filter`; api: that of the tests' own server by default."""
    request = urllib.request.Request(
        f"{api or os.environ[TEST_SERVER]}/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def latest_run(flow: str, tag: str, api: str | None = None) -> dict[str, Any]:
    """The flow run of a flow and tag that started last."""
    wanted = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"tags": {"all_": [tag]}}}
    return ask("flow_runs/filter", wanted | {"sort": "START_TIME_DESC", "limit": 1}, api)[0]


def log_lines(run: dict[str, Any], api: str | None = None) -> list[str]:
    """The lines on a run's page, oldest first."""
    wanted = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
    return [line["message"] for line in ask("logs/filter", wanted, api)]
