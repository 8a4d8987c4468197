"""Judging in a finished project: the files of evaluate and decide, against an independent evaluator and themselves."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.positives import DEFAULT_POSITIVES
from flows.judging.contenders import Source, open_contenders, read_test
from flows.judging.frozen import answers
from flows.preflight.gate import measured_names
from flows.project.dataset import Project
from models.evaluation.results import RECOMMENDATIONS
from models.gate.decision import Params
from models.recommender import Recommender
from models.release.bundle import read_manifest, seal
from tests.support.one_stage import run_here
from tests.support.workspace import bundle_hash, edit_params, recops, run

FILES = ("recommendations", "per_query", "lists", "summary", "differences", "curves")


def _metrics(folder: Path) -> dict:
    return json.loads((folder / "data" / "reports" / "metrics.json").read_text())


def _decision(folder: Path) -> dict:
    return json.loads((folder / "data" / "reports" / "decision.json").read_text())


def _judge(folder: Path) -> None:
    """What `dvc repro evaluate decide` would do: old outs go first."""
    shutil.rmtree(folder / "data" / "evaluation")
    for stage in ("evaluate", "decide"):
        run_here(folder, stage)


def test_the_figures_are_those_of_an_independent_evaluator_of_the_recommendations(finished_project: Path) -> None:
    bench = os.environ.get("RECOPS_BENCH")
    if not bench:
        pytest.skip("RECOPS_BENCH names no folder with an independent evaluate.py")
    spec = importlib.util.spec_from_file_location("independent_evaluate", Path(bench) / "evaluate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = finished_project / "data"
    before = pl.concat([pl.read_parquet(data / "split" / f"{part}.parquet") for part in ("train", "valid")])
    after = pl.read_parquet(data / "split" / "test.parquet")
    after = after.filter(~pl.col("event").is_in(["cancel", "not_recommend", "impression"]).fill_null(False))
    items = pl.read_parquet(data / "tables" / "items.parquet").select("item_id", "tags")
    recommendations = pl.read_parquet(data / "evaluation" / "recommendations.parquet")
    theirs = module.evaluate(
        recommendations.to_pandas(),
        before.filter(pl.col("event").ne_missing("impression")).to_pandas(),
        after.to_pandas(),
        items.to_pandas(),
    )
    assert theirs["seen_items_recommended"] == 0
    ours = _metrics(finished_project)["models"]["challenger"]
    known = theirs["warm"] | theirs["lists"]
    assert len(set(ours) & set(known)) >= 18
    assert {name.partition("@")[0] for name in set(ours) - set(known)} == {"f1", "serendipity", "miscalibration"}
    for name, value in ours.items():
        if name not in known:  # the evaluator does not compute it; tests/unit/models/test_metrics.py does so by hand
            continue
        assert value == pytest.approx(known[name], abs=1e-6 if name == "ild@10" else 1e-9), name


def test_every_test_query_has_a_list_and_every_model_its_figures(finished_project: Path) -> None:
    data = finished_project / "data"
    recommendations = RECOMMENDATIONS.read(data / "evaluation" / "recommendations.parquet")
    ranks = recommendations.group_by("query_id").agg(pl.col("rank").max(), pl.len())
    assert ranks.filter(pl.col("rank") != pl.col("len")).is_empty()
    assert recommendations.filter(pl.col("query_id") != pl.col("user_id")).is_empty()
    assert ranks.height == _metrics(finished_project)["n_queries"]["test"]
    retrievers = [folder.name for folder in (data / "bundle" / "retrievers").iterdir()]
    expected = {"challenger", "champion", "popular", "oracle", *(f"retriever:{name}" for name in retrievers)}
    per_query = pl.read_parquet(data / "evaluation" / "per_query.parquet")
    assert set(per_query.get_column("model")) == set(_metrics(finished_project)["models"]) == expected
    warm = per_query.filter(slice="warm").group_by("query_id").len()
    assert set(warm.get_column("len")) == {len(expected)}


def test_the_oracle_that_knows_the_world_is_ahead_of_everyone(finished_project: Path) -> None:
    figures = {model: values["ndcg@10"] for model, values in _metrics(finished_project)["models"].items()}
    assert max(figures, key=lambda model: figures[model]) == "oracle"


def test_the_first_champion_is_the_built_in_popular(finished_project: Path) -> None:
    metrics, decision = _metrics(finished_project), _decision(finished_project)
    assert metrics["champion"] == "popular"
    assert metrics["models"]["champion"]["ndcg@10"] == metrics["models"]["popular"]["ndcg@10"]
    assert decision["champion"] == "the built-in popular"
    assert decision["bundle_hash"] == bundle_hash(finished_project)
    text = (finished_project / "data" / "reports" / "decision.md").read_text()
    assert text.startswith("# Promoted" if decision["promote"] else "# Refused")
    assert all(reason in text for reason in decision["reasons"])


def test_judging_again_gives_the_same_bytes(project: Path) -> None:
    folder = project / "data" / "evaluation"
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    names = ("metrics.json", "decision.json", "decision.md", "report.html", "summary.json")
    reports = [project / "data" / "reports" / name for name in names]
    reports += (project / "data" / "reports" / "plots").glob("*.csv")
    before |= {path: path.read_bytes() for path in reports}
    _judge(project)
    assert before == {path: path.read_bytes() for path in before}


def test_a_bundle_that_is_its_own_champion_is_not_superior(project: Path) -> None:
    shutil.copytree(project / "data" / "bundle", project / "data" / "initial" / "champion", dirs_exist_ok=True)
    (project / "data" / "initial" / "champion" / "champion.json").unlink(missing_ok=True)
    releases = "release,ndcg@10,recall@10,live\nr-before,0.1,0.2,0\nr-live,0.15,0.25,1\n"
    (project / "data" / "initial" / "history.csv").write_text(releases)
    edit_params(project, {"decide.min_queries": 50})
    _judge(project)
    page = (project / "data" / "reports" / "report.html").read_text()
    assert f"release r-live, bundle {bundle_hash(project)}" in page and "r-before" not in page
    assert json.loads((project / "data" / "reports" / "summary.json").read_text())["lift"] == 0
    metrics, decision = _metrics(project), _decision(project)
    assert metrics["champion"] == bundle_hash(project)
    assert metrics["models"]["champion"] == metrics["models"]["challenger"]
    assert metrics["challenger_against"]["champion"]["ndcg@10"] == {"difference": 0.0, "low": 0.0, "high": 0.0}
    assert (decision["promote"], decision["verdict"]) == (True, "not_worse")
    edit_params(project, {"decide.require": "superior"})
    run_here(project, "decide")
    assert _decision(project)["verdict"] == "not_superior"


def test_a_champion_of_another_reranker_shares_all_other_parts_and_is_judged_as_by_itself(project: Path) -> None:
    bundle, folder = project / "data" / "bundle", project / "data" / "initial" / "champion"
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    (folder / "champion.json").unlink(missing_ok=True)
    plan = json.loads((folder / "recommender.json").read_text())
    plan["reranker_params"]["relevance"] = 0.3
    (folder / "recommender.json").write_text(json.dumps(plan))
    sealed = read_manifest(bundle)
    seal(
        folder,
        features=sealed.features,
        data_hash=sealed.data_hash,
        params_hash=sealed.params_hash,
        code_version=sealed.code_version,
    )
    opened = open_contenders(Project(project), bundle, DEFAULT_POSITIVES, Source.read(project / "params.yaml"))
    ours, theirs = opened.challenger, opened.champion
    assert theirs is not None
    assert all(theirs.retrievers[name] is part for name, part in ours.retrievers.items())
    assert (theirs.catalogue, theirs.lookup, theirs.ranker) == (ours.catalogue, ours.lookup, ours.ranker)
    assert theirs.reranker.params.relevance == 0.3 != ours.reranker.params.relevance
    test = read_test(Project(project))
    (asked,) = opened.by_catalogue()
    judged = answers(asked, test, 10, DEFAULT_POSITIVES)
    alone = Recommender.load(folder, Project(project).offline_lookup(ours.catalogue))
    assert np.array_equal(judged["champion"].lists, alone.recommend(judged["champion"].queries, 10).items)
    assert not np.array_equal(judged["champion"].lists, judged["challenger"].lists)


def test_too_few_queries_refuse_and_unknown_metrics_are_the_callers_mistake(project: Path) -> None:
    edit_params(project, {"decide.min_queries": 100_000})
    run_here(project, "decide")
    assert (_decision(project)["promote"], _decision(project)["verdict"]) == (False, "too_few")
    edit_params(project, {"decide.metric": "ndcg@7"})
    done = run("-m", "flows.stages.decide", cwd=project, check=False)
    assert done.returncode == 2
    assert "['ndcg@7']" in done.stderr and "ndcg@10" in done.stderr and "Traceback" not in done.stderr


def test_the_preflight_knows_the_metrics_that_a_guard_may_name(finished_project: Path) -> None:
    columns = pl.read_parquet(finished_project / "data/evaluation/per_query.parquet").columns
    assert {name for name in columns if "@" in name or name == "mrr"} == set(measured_names([10, 20]))


def test_the_verdict_says_why_many_choices_are_left_out(project: Path) -> None:
    path = project / "data" / "evaluation" / "judged.json"
    judged, counted = json.loads(path.read_text()), _metrics(project)["n_queries"]
    choices = judged["left_out"]
    assert choices["n_repeated"] + choices["n_met"] == counted["n_repeats_left_out"]
    assert choices["n_choices"] == counted["n_repeats_left_out"] + counted["n_targets"]
    judged["left_out"] = {"n_choices": 276, "n_repeated": 248, "n_met": 0, "met_by": None}
    path.write_text(json.dumps(judged))
    run_here(project, "decide")
    sentence = "Left out of judging: 248 of 276 choices in test (90%), of which 248 repeat an earlier choice"
    assert _decision(project)["notes"][0].startswith(sentence)
    for name in ("decision.md", "report.html"):
        assert sentence in (project / "data" / "reports" / name).read_text()


def test_the_command_prints_what_was_judged_and_what_is_given(finished_project: Path) -> None:
    judged = recops(finished_project, "evaluate").stdout
    assert "champion: the built-in popular" in judged
    assert "challenger - retriever:" in judged
    given = recops(finished_project, "evaluate", "--bundle", "data/bundle").stdout
    assert given == judged


def test_an_altered_bundle_is_not_judged(project: Path) -> None:
    victim = project / "data" / "bundle" / "ranker" / "ranker.json"
    victim.write_bytes(victim.read_bytes() + b" ")
    done = run("-m", "flows.stages.evaluate", cwd=project, check=False)
    assert done.returncode == 2
    assert f"ranker/{victim.name} is missing or altered" in done.stderr


def test_the_defaults_of_the_gate_are_what_params_yaml_shows() -> None:
    from features.params import section
    from tests.support.workspace import ROOT

    assert section("decide", Params, ROOT / "params.yaml") == Params()


def test_with_more_users_than_the_caps_a_sample_is_asked_in_parts_and_the_reports_say_so(project: Path) -> None:
    whole = pl.read_parquet(project / "data" / "evaluation" / "recommendations.parquet")
    n_test = _metrics(project)["n_queries"]["test"]
    edit_params(project, {"retrieve.max_users": 60, "evaluate.max_users": 40})
    for stage in ("retrieve", "train_ranker"):
        shutil.rmtree(project / "data" / {"retrieve": "candidates", "train_ranker": "ranker"}[stage])
        run_here(project, stage)
    sample = json.loads((project / "data" / "ranker" / "ranker.json").read_text())["figures"]["sample"]
    assert sample["n_users"] == 60 < sample["n_users_possible"]
    _judge(project)
    rows = pl.read_parquet(project / "data" / "evaluation" / "recommendations.parquet")
    assert rows["user_id"].n_unique() == _metrics(project)["n_queries"]["test"] == 40
    assert f"sample of the {n_test:,} users" in (project / "data" / "evaluation" / "metrics.md").read_text()
    assert rows.equals(whole.filter(pl.col("user_id").is_in(rows["user_id"].unique().implode())))
