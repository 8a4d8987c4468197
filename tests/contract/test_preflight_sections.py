"""The preflight knows every section that anything reads, and each by the class that reads it."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from features.params import read_params
from flows.preflight.sections import OF_PARTS, SECTIONS, names, params_class

ROOT = Path(__file__).parents[2]


def reads() -> Iterator[tuple[str, str, str]]:
    """Module, section and name of the class of every `section("…", Class)` and `parse("…", values, Class)`."""
    for path in sorted(ROOT.joinpath("flows").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2 or not isinstance(node.args[0], ast.Constant):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            kind = {"section": 1, "parse": 2}.get(called)
            if kind is not None and len(node.args) > kind and isinstance(node.args[kind], ast.Name):
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield module, str(node.args[0].value), node.args[kind].id


READS = sorted(set(reads()))


@pytest.mark.parametrize(("module", "section", "name"), READS, ids=lambda value: value)
def test_a_section_is_checked_by_the_class_that_reads_it(module: str, section: str, name: str) -> None:
    if section in OF_PARTS:
        return
    kind = getattr(importlib.import_module(module), name, None)  # None: imported inside a function
    assert kind in (None, params_class(section))


def test_enough_is_read_for_the_check_to_mean_something() -> None:
    assert {"split", "decide", "evaluate", "embed"} <= {section for _, section, _ in READS}


def test_every_section_of_params_yaml_and_every_param_of_dvc_yaml_is_known() -> None:
    assert set(read_params(ROOT / "params.yaml")) == set(names())
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    listed = {str(param).split(".")[0] for stage in stages for param in (stage.get("do") or stage).get("params", [])}
    assert listed - set(names()) == set()
    assert all(params_class(name).model_fields for name in SECTIONS)
