"""Imports: no circle between modules, and what is added often stands in no closure of a stage that trains."""

from __future__ import annotations

import importlib.util
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from flows.project.code_closure import imports_at_the_top, imports_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "flows", "services")


def stage_deps():
    spec = importlib.util.spec_from_file_location("stage_deps", ROOT / "infra" / "stage_deps.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DEPS = stage_deps()
MODULES = [
    path.relative_to(ROOT).as_posix()
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name != "__init__.py"
]


def circle(imports: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, in its order; [] where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_by_others():
    assert circle({file: imports_at_the_top(ROOT, file) - {file} for file in MODULES}) == []


def test_imports_inside_functions_hide_no_circle():
    assert circle({file: imports_of(ROOT, file) - {file} for file in MODULES}) == []


def test_the_test_would_see_a_circle():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


@cache
def code_of_stages() -> dict[str, list[str]]:
    return {stage: DEPS.expected_code(ROOT, stage, str(body["cmd"])) for stage, body in DEPS.stages(ROOT).items()}


def stages_that_list(file: str) -> set[str]:
    """Stages that a change of a file makes stale."""
    return {
        stage
        for stage, code in code_of_stages().items()
        if any(file == dep or file.startswith(f"{dep}/") for dep in code)
    }


@pytest.mark.parametrize(
    ("file", "allowed"),
    [
        ("features/settings.py", {"embed"}),  # it resolves the encoder
        ("models/evaluation/results.py", {"evaluate", "decide"}),
    ],
)
def test_adding_a_setting_or_a_report_table_makes_no_training_stale(file, allowed):
    assert (ROOT / file).is_file()
    assert stages_that_list(file) <= allowed


def test_a_table_of_data_makes_what_reads_it_stale():
    """The question above has teeth: a file that training reads is listed by training."""
    assert {"train_retriever", "train_ranker"} <= stages_that_list("features/schema.py")
