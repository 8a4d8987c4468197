"""A dataclass with many fields is made with keywords: two of its fields of one type cannot change places unseen."""

from __future__ import annotations

import dataclasses
import inspect
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_POSITIONAL = 4
PACKAGES = ("models", "flows", "services", "features/simulation")


def modules(package: str) -> list[str]:
    paths = sorted((ROOT / package).rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths if path.name != "__init__.py"]


def wide_dataclasses(package: str) -> dict[str, type]:
    classes = {}
    for name in modules(package):
        for label, value in vars(import_module(name)).items():
            if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == name:
                n_fields = sum(field.init for field in dataclasses.fields(value))
                if n_fields > MOST_POSITIONAL:
                    classes[f"{name}.{label}"] = value
    return classes


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wide_dataclass_is_keyword_only(package):
    classes = wide_dataclasses(package)
    assert classes
    positional = {
        name: [field.name for field in dataclasses.fields(value) if field.init and not field.kw_only]
        for name, value in classes.items()
    }
    assert {name: fields for name, fields in positional.items() if fields} == {}
