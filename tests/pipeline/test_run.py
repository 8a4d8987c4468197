"""One DAG, two drivers: the flow and `dvc repro` do the same work, and neither does it twice."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.workspace import TEST_SERVER, bundle_hash, edit_params, make_workspace, recops, run, stages_run


def stages_in_lock(folder):
    from ruamel.yaml import YAML

    return YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"]


def test_a_flow_run_leaves_nothing_for_dvc_repro(project):
    assert "up to date" in run("-m", "dvc", "status", cwd=project).stdout
    said = run("-m", "dvc", "repro", cwd=project).stdout
    assert "Running stage" not in said


def test_with_nothing_to_do_the_run_says_so_and_starts_no_flow(project):
    before = (project / "dvc.lock").read_bytes()
    started = time.monotonic()
    said = recops(project, "run").stdout
    assert "nothing to do" in said
    assert (project / "dvc.lock").read_bytes() == before
    assert time.monotonic() - started < 60  # a guard against starting everything, no benchmark


@pytest.mark.soak
def test_one_retrievers_knob_reruns_it_and_its_consumers_and_no_other_retriever(project):
    before = stages_in_lock(project)
    edit_params(project, {"retrievers.popular.half_life_days": 11})
    ran = stages_run(recops(project, "run").stderr)
    assert ran[:2] == ["train_retriever@popular", "refit_retriever@popular"]
    assert not [name for name in ran[2:] if "retriever@" in name]
    after = stages_in_lock(project)
    for name in before:
        if "retriever@" in name and "popular" not in name:
            assert after[name] == before[name]


def test_dvc_repro_leaves_nothing_for_the_flow(project):
    edit_params(project, {"decide.min_queries": 90})
    run("-m", "dvc", "repro", "-q", cwd=project)
    assert "nothing to do" in recops(project, "run").stdout


def test_a_search_needs_no_test_part_and_changes_no_input_until_it_is_accepted(project):
    (project / "data" / "split" / "test.parquet").unlink()
    before = (project / "params.yaml").read_text()
    said = recops(project, "tune", "--retriever", "popular", "--trials", "6", "--horizon", "rolling").stdout
    assert "ndcg@10 of each retriever alone on valid, rolling" in said
    report = json.loads((project / "data/tuning/report.json").read_text())
    assert report["retrievers"]["popular"]["n_trials"] == 6
    assert (project / "params.yaml").read_text() == before
    assert "up to date" in run("-m", "dvc", "status", "data/tuning.dvc", cwd=project).stdout
    accepted = recops(project, "tune", "--accept", check=False)
    assert accepted.returncode == (0 if report["changes"] else 2)
    assert ((project / "params.yaml").read_text() != before) == bool(report["changes"])
    assert "up to date" in run("-m", "dvc", "status", "data/tuning.dvc", cwd=project).stdout


def test_without_a_server_it_runs_too_and_until_stops_where_it_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv(TEST_SERVER, raising=False)
    folder = make_workspace(tmp_path / "project")
    recops(folder, "run", "--until", "split")
    assert (folder / "data" / "split" / "train.parquet").is_file()
    assert not (folder / "data" / "log").exists()
    done = recops(folder, "run", "--until", "spilt", check=False)
    assert done.returncode == 2
    assert "no stage 'spilt'; did you mean 'split'?" in done.stderr


def test_a_second_run_in_the_same_workspace_is_refused(project):
    import fcntl

    edit_params(project, {"evaluate.bootstrap": 501})
    path = project / ".dvc" / "tmp" / "recops-run.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = recops(project, "run", check=False)
    assert done.returncode == 2
    assert "another run is under way" in done.stderr


@pytest.mark.soak
def test_another_path_another_hash_seed_and_an_empty_cache_give_the_same_bundle(finished_project, tmp_path):
    folder = make_workspace(tmp_path / "a-much-longer-path-than-the-first-one" / "project")
    recops(folder, "run", "--until", "bundle", PYTHONHASHSEED="12345")
    assert bundle_hash(folder) == bundle_hash(finished_project)


def test_a_params_fault_is_one_paragraph_and_exit_code_2(project):
    edit_params(project, {"split.valid_share": 7})
    done = recops(project, "run", check=False)
    assert done.returncode == 2
    assert "split.valid_share is 7, expected less than 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_decision_is_a_report_that_git_can_keep(finished_project):
    decision = json.loads((finished_project / "data" / "reports" / "decision.json").read_text())
    assert isinstance(decision["promote"], bool)
    assert decision["reasons"]
