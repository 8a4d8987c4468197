"""Params: what every Params class and params.yaml promise; DVC sees a change of each."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from pydantic import BaseModel

from features.params import PROFILES, read_params
from features.renamed_params import RENAMED, UNSEEN_BY_DVC, unseen_by_dvc

ROOT = Path(__file__).parents[2]
CLASSES = sorted(
    {
        value
        for package in ("features", "models", "flows")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "BaseModel" in (text := path.read_text("utf-8")) or "Params(" in text
        for value in vars(importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__.split(".")[0] == package
    },
    key=lambda found: (found.__module__, found.__qualname__),
)


def test_every_section_of_params_yaml_has_its_class():
    names = {f"{found.__module__}.{found.__qualname__}" for found in CLASSES}
    assert {"models.retrievers.als.AlsParams", "models.gate.checks.Check", "features.split.Params"} <= names
    assert len(names) > 40


@pytest.mark.parametrize("params", CLASSES, ids=lambda found: f"{found.__module__}.{found.__qualname__}")
def test_no_param_has_a_name_that_dvc_does_not_see(params):
    assert not set(params.model_fields) & set(UNSEEN_BY_DVC)


def test_dvc_leaves_out_just_the_names_that_are_forbidden():
    from dvc.stage.cache import _get_cache_hash

    def key(name: str, value: int) -> str:
        return _get_cache_hash({"params": {"params.yaml": {"retrievers.als": {name: value}}}})

    assert [name for name in (*UNSEEN_BY_DVC, "embedding_size", "hash", "isexec") if key(name, 1) == key(name, 2)] == [
        *UNSEEN_BY_DVC
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_no_key_of_params_yaml_is_one_that_dvc_does_not_see(profile, tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("profile: default", f"profile: {profile}", 1)
    (tmp_path / "params.yaml").write_text(text)
    loaded = read_params(tmp_path / "params.yaml")
    assert loaded["profile"] == profile
    assert unseen_by_dvc(loaded) == []


def test_no_class_has_a_field_under_an_old_name():
    gone = {path.rpartition(".")[2] for path in RENAMED} - {"size"}
    old = {f"{found.__qualname__}.{name}" for found in CLASSES for name in set(found.model_fields) & gone}
    assert old == set()
