"""The DAG lists the code that its stages import, and its params."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ruamel.yaml import YAML

from features.params import read_params

ROOT = Path(__file__).parents[2]


def stage_deps():
    spec = importlib.util.spec_from_file_location("stage_deps", ROOT / "infra" / "stage_deps.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_stage_lists_the_code_that_it_imports():
    assert stage_deps().differences(ROOT) == []


def test_a_forgotten_import_is_noticed(tmp_path):
    for folder in ("flows/stages", "models"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "flows/stages/a.py").write_text("from models.b import thing\n")
    (tmp_path / "models/b.py").write_text("def f():\n    import models.c\n")
    (tmp_path / "models/c.py").write_text("")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  a:\n    cmd: python -m flows.stages.a\n    deps: [flows/stages/a.py, models/b.py]\n"
    )
    (said,) = stage_deps().differences(tmp_path)
    assert "stage 'a' imports ['models/c.py']" in said


def test_a_data_file_beside_a_module_counts_as_its_code(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/page.py").write_text("from pathlib import Path\nCSS = Path(__file__).with_name('page.css')\n")
    (tmp_path / "models/page.css").write_text("")
    assert stage_deps().closure(tmp_path, "models/page.py") == {"models/page.py", "models/page.css"}


def test_every_stage_names_params_that_exist():
    params = read_params(ROOT / "params.yaml")
    for name, body in stage_deps().stages(ROOT).items():
        for wanted in body.get("params", []):
            if "${" in wanted:
                continue
            found = params
            for part in wanted.split("."):
                assert part in found, f"stage '{name}' depends on {wanted}, which params.yaml does not have"
                found = found[part]


def test_a_stage_whose_params_hang_on_the_profile_names_it():
    written = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    for name, body in stage_deps().stages(ROOT).items():
        wanted = body.get("params", [])
        for where in wanted:
            found = written
            for part in where.split("."):
                found = found if "${" in part else found[part]
            assert "'quick':" not in str(found) or "profile" in wanted, f"stage '{name}' reads a choice in {where}"


def test_data_paths_stand_in_dvc_yaml_and_stages_only():
    for package in ("features", "models", "services"):
        for file in (ROOT / package).rglob("*.py"):
            text = file.read_text().replace('"data/raw"', "").replace('"data/initial"', "")  # defaults of the source
            assert '"data/' not in text, f"{file} names a data path"
