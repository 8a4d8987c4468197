"""prefect.yaml: every deployment names a flow that is there, and can be found again when it crashes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = {
    found["name"]: found for found in YAML(typ="safe").load((ROOT / "prefect.yaml").read_text())["deployments"]
}


def test_there_are_train_release_retrain_daily_and_compaction_hourly():
    schedules = {name: [entry["cron"] for entry in found["schedules"]] for name, found in DEPLOYMENTS.items()}
    assert schedules == {"train": [], "release": [], "retrain": ["0 3 * * *"], "compaction": ["7 * * * *"]}


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_the_entrypoint_is_a_flow_of_that_name_that_tells_when_it_fails(name):
    from prefect import Flow

    file, _, function = DEPLOYMENTS[name]["entrypoint"].partition(":")
    flow = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), function)
    assert isinstance(flow, Flow)
    assert flow.name == name
    assert flow.on_failure_hooks
    assert flow.on_crashed_hooks


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_it_beats_and_outlives_its_worker_and_runs_once_at_a_time(name):
    from flows.orchestration.automations import WITHIN_S

    found = DEPLOYMENTS[name]
    variables = found["work_pool"]["job_variables"]
    assert found["work_pool"]["name"] == "local"
    assert variables["stream_output"] is False
    assert 2 * int(variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) < WITHIN_S
    assert found["concurrency_limit"]["limit"] == 1
    assert found["concurrency_limit"]["collision_strategy"] in {"ENQUEUE", "CANCEL_NEW"}
