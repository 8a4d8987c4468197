"""prefect.yaml: every flow has a deployment, with a time limit, tag and version; its runs are found when they crash."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest
from prefect import Flow, Task
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from features.settings import Settings
from flows.orchestration.automations import WITHIN_S, crashed_run, silent_run
from flows.orchestration.decorators import HEARTBEAT_S
from flows.orchestration.run_labels import TAG, code_version

ROOT = Path(__file__).parents[2]
CONTENT = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS = {found["name"]: found for found in CONTENT["deployments"]}


def flow_of(name: str) -> Flow:
    file, _, function = DEPLOYMENTS[name]["entrypoint"].partition(":")
    return getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), function)


def of_top_modules(kind: type) -> dict[str, object]:
    """Flows or tasks that the modules at the top of flows/ define: place → object."""
    modules = [importlib.import_module(f"flows.{path.stem}") for path in sorted((ROOT / "flows").glob("*.py"))]
    return {
        f"{module.__name__}:{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, kind) and value.fn.__module__ == module.__name__
    }


def test_retrain_is_daily_and_compaction_hourly_and_update_off_and_the_others_by_hand():
    schedules = {name: [entry["cron"] for entry in found["schedules"]] for name, found in DEPLOYMENTS.items()}
    by_hand = dict.fromkeys(("train", "release", "gc", "tune", "rating"), [])
    scheduled = {"retrain": ["0 3 * * *"], "compaction": ["7 * * * *"], "update": ["*/15 * * * *"]}
    assert schedules == by_hand | scheduled
    off = {
        name for name, found in DEPLOYMENTS.items() if not all(one.get("active", True) for one in found["schedules"])
    }
    assert off == {"update"}


def test_every_flow_has_a_deployment():
    entrypoints = {found["entrypoint"].replace("/", ".").replace(".py:", ":") for found in DEPLOYMENTS.values()}
    assert set(of_top_modules(Flow)) == entrypoints


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_the_entrypoint_is_a_flow_of_that_name_that_tells_when_it_fails(name):
    flow = flow_of(name)
    assert isinstance(flow, Flow)
    assert flow.name == name
    assert flow.on_failure_hooks
    assert flow.on_crashed_hooks


@pytest.mark.parametrize("name", sorted(set(DEPLOYMENTS) - {"rating"}))  # which has no lines of its own
def test_its_lines_reach_the_page_also_when_prefect_loads_the_file_by_its_path(name):
    flow = load_flow_from_entrypoint(str(ROOT / DEPLOYMENTS[name]["entrypoint"]))
    logger = inspect.unwrap(flow.fn).__globals__["logger"]
    assert logger.name.startswith("flows.")  # PREFECT_LOGGING_EXTRA_LOGGERS


@pytest.mark.parametrize("kind", [Flow, Task])
def test_every_flow_and_task_has_a_time_limit_after_that_of_the_settings(kind):
    limit_s = Settings().flow_timeout_s if kind is Flow else Settings().task_timeout_s
    limits = {place: value.timeout_seconds for place, value in of_top_modules(kind).items()}
    assert len(limits) >= 7
    assert {place: value for place, value in limits.items() if not value or value <= limit_s} == {}


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_it_beats_and_outlives_its_worker_and_runs_once_at_a_time(name):
    deployment = DEPLOYMENTS[name]
    variables = deployment["work_pool"]["job_variables"]
    assert deployment["work_pool"]["name"] == "local"
    assert variables["stream_output"] is False
    assert int(variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) == HEARTBEAT_S
    assert 2 * HEARTBEAT_S < WITHIN_S
    assert deployment["concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_limit"]["collision_strategy"] in {"ENQUEUE", "CANCEL_NEW"}


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_it_has_our_tag_and_the_version_of_the_code(name):
    assert DEPLOYMENTS[name]["tags"] == [TAG]
    (step,) = (options for step in CONTENT["build"] for options in step.values())
    assert DEPLOYMENTS[name]["version"] == f"{{{{ {step['id']}.stdout }}}}"
    assert step["script"] == "python -m flows.orchestration.run_labels"
    assert flow_of(name).version == code_version()


def test_the_automations_act_on_runs_with_our_tag_only():
    for automation in (silent_run(Settings(), WITHIN_S), crashed_run()):
        related = automation.trigger.match_related
        specifications = [one.model_dump() for one in (related if isinstance(related, list) else [related])]
        assert {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"} in specifications
