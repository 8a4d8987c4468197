"""`bentoml build` in a project folder, and what a release's Bento says of itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import bentoml
import pytest
from ruamel.yaml import YAML

from features.errors import UserError
from features.telemetry import TELEMETRY_OFF
from flows.orchestration.processes import free_port
from flows.releasing.bento import build_bento, folder_of, labels_of, read_bentofile
from models.release.bundle import read_manifest
from tests.support.served import ROOT

PACKAGES = ("features", "models", "services", "flows")


@pytest.fixture(scope="module")
def project(made, tmp_path_factory) -> Path:
    """A project folder with a sealed bundle."""
    folder = tmp_path_factory.mktemp("project")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "bentofile.yaml", folder / "bentofile.yaml")
    shutil.copytree(made.bundle, folder / "data" / "bundle")
    (folder / "data" / "raw").mkdir()
    (folder / "data" / "raw" / "interactions.parquet").write_text("not for a Bento")
    return folder


@pytest.fixture(scope="module")
def built(project, tmp_path_factory) -> Path:
    """What the command of BentoML makes of it."""
    home = tmp_path_factory.mktemp("bentoml")
    env = {**os.environ, **TELEMETRY_OFF, "BENTOML_HOME": str(home), "RECOPS_HOME": str(home / "nowhere")}
    command = [sys.executable, "-m", "bentoml", "build", "--version", "v1", "--label", "by=me"]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return home / "bentos" / "recops" / "v1"


def described(folder: Path) -> dict:
    return YAML(typ="safe").load((folder / "bento.yaml").read_text())


def test_bentoml_build_takes_code_and_bundle_and_nothing_else(built, project):
    assert {path.name for path in (built / "src").iterdir()} == {
        "features",
        "models",
        "services",
        "data",
        "bentofile.yaml",
    }
    assert [path.name for path in (built / "src" / "data").iterdir()] == ["bundle"]
    assert (built / "src" / "data" / "bundle" / "manifest.json").read_bytes() == (
        project / "data" / "bundle" / "manifest.json"
    ).read_bytes()
    assert not list((built / "src").rglob("__pycache__"))
    bento = described(built)
    assert bento["labels"] == {"project": "recops", "by": "me"}
    assert {schema["name"] for schema in bento["schema"]["routes"]} >= {"recommend", "similar", "events", "status"}
    assert (built / "README.md").read_text() == read_bentofile(ROOT)["description"]
    required = (built / "env" / "python" / "requirements.txt").read_text()
    assert "lightgbm==" in required
    assert "prefect" not in required


def test_a_release_labels_its_bento_and_the_same_code_and_bundle_are_one_bento(made, settings, tmp_path):
    manifest = read_manifest(made.bundle)
    labels = labels_of(manifest, "20260131-120000-1a2b3c4d", {"ndcg@10": 0.14159, "hr@10": 0.2})
    tag = build_bento(ROOT, made.bundle, settings, tmp_path / "scratch", labels)
    bento = described(folder_of(settings, tag))
    assert bento["labels"] == {
        "project": "recops",
        "bundle": manifest.hash[:12],
        "data": "d",
        "release": "20260131-120000-1a2b3c4d",
        "ndcg@10": "0.1416",
    }
    assert (folder_of(settings, tag) / "README.md").read_text().startswith("# recops\n")
    made_at = (folder_of(settings, tag) / "bento.yaml").stat().st_mtime_ns
    assert build_bento(ROOT, made.bundle, settings, tmp_path / "scratch", labels | {"release": "later"}) == tag
    assert (folder_of(settings, tag) / "bento.yaml").stat().st_mtime_ns == made_at


@pytest.mark.parametrize(
    ("text", "part"),
    [("{", "cannot be read"), ("name: recops\n", "found no service, labels"), ("[]", "no keys"), ("", "no keys")],
)
def test_a_bentofile_that_is_none_is_a_readable_mistake(tmp_path, text, part):
    (tmp_path / "bentofile.yaml").write_text(text)
    with pytest.raises(UserError, match=part):
        read_bentofile(tmp_path)


@pytest.mark.soak
def test_a_bento_of_bentoml_build_serves_its_own_bundle(built, tmp_path):
    port = free_port()
    env = {**os.environ, **TELEMETRY_OFF, "BENTOML_HOME": str(built.parents[2])}
    env |= {"RECOPS_HOME": str(tmp_path / "home"), "RECOPS_RELEASE": "bento"}
    command = [sys.executable, "-m", "bentoml", "serve", "recops:v1", "--port", str(port)]
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    try:
        with bentoml.SyncHTTPClient(f"http://127.0.0.1:{port}", server_ready_timeout=120) as client:
            answer = client.recommend(user_id="u", k=3)
        assert answer["release"].startswith("bento-")
        assert len(answer["items"]) == 3
    finally:
        process.terminate()
        process.wait(60)
