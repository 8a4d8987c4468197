"""Stage evaluate: judges the sealed bundle on the test part beside the champion, popular and its single retrievers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.files import write_text
from features.params import section
from features.positives import Positives
from features.table import write_parquet
from flows.judging.cold_start import with_history_sizes
from flows.judging.contenders import Source, open_contenders, read_test
from flows.judging.frozen import Judgement, judge
from flows.judging.learning_curve import judge_learning_curve
from flows.judging.rolling import Rolling, judge_rolling
from flows.project.dataset import Project
from flows.stages.entry import stage
from models.data.types import Catalogue
from models.evaluation.evaluate import HEADLINE, Params
from models.evaluation.left_out import left_out
from models.evaluation.metrics import metric_names
from models.evaluation.results import EXAMPLES, LEARNING_CURVE, RECOMMENDATIONS, ROLLING, ROLLING_FIGURES, save
from models.release.bundle import read_manifest
from models.reports.plots import history, learning_curve, plot_tables, write
from models.reports.rolling_table import rolling_dict
from models.reports.sample_users import sample_users
from models.reports.summary import as_markdown, metrics_dict

BUNDLE = Path("data/bundle")
EVALUATION = Path("data/evaluation")
METRICS = Path("data/reports/metrics.json")
HISTORY_COLUMNS = 2


def main() -> None:
    """data/bundle → data/evaluation, data/reports/metrics.json."""
    params, project = section("evaluate", Params), Project(Path())
    source = Source.read(Path("params.yaml"))
    test, contenders = (
        read_test(project),
        open_contenders(project, BUNDLE, Positives.of(params.targets), source),
    )
    judged = with_history_sizes(project, test, contenders, judge(test, contenders, params, source), params)
    rolling = judge_rolling(test, contenders, params)
    names = metric_names(params.k)
    RECOMMENDATIONS.write(judged.recommendations(), EVALUATION / "recommendations.parquet")
    short = {model: lists[:, : max(params.k)] for model, lists in judged.lists.items()}
    write_parquet(judged.shown(short), EVALUATION / "lists.parquet")
    choices = left_out(test.history, test.part, Positives.of(params.targets))
    save(judged.evaluation, judged.champion, EVALUATION, bundle_hash=read_manifest(BUNDLE).hash, choices=choices)
    figures_dict = metrics_dict(judged.evaluation, names, params.k[0]) | _facts(judged) | _rolling(rolling)
    write_text(json.dumps(figures_dict, indent=1, sort_keys=True) + "\n", METRICS)
    write_text(as_markdown(judged.evaluation, names, params.k[0], _training_sample()), EVALUATION / "metrics.md")
    _write_figures(judged, Path(source.reference), names)
    write({LEARNING_CURVE: judge_learning_curve(contenders, judged, params)}, EVALUATION / "plots")
    _write_examples(judged, contenders.challenger.catalogue, params)


def _rolling(rolling: Rolling | None) -> dict[str, Any]:
    """Keeps what was judged with live histories, where the split has a cut in time."""
    if rolling is None:
        return {}
    ROLLING.write(rolling.recommendations, EVALUATION / "rolling.parquet")
    write_parquet(rolling.figures, EVALUATION / ROLLING_FIGURES)
    return {"rolling": rolling_dict(rolling.figures)}


def _write_examples(judged: Judgement, catalogue: Catalogue, params: Params) -> None:
    """What some users see, for the html report."""
    ours = judged.queries["challenger"], judged.lists["challenger"]
    seen = sample_users(judged.test_set, *ours, catalogue, params.example_users, params.seed)
    write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", EVALUATION / EXAMPLES)


def _facts(judged: Judgement) -> dict[str, Any]:
    test_set = judged.test_set
    return {
        "champion": judged.champion,
        "n_queries": {
            "test": len(test_set),
            "headline": judged.evaluation.per_query.filter(slice=HEADLINE, model="challenger").height,
            "n_targets": len(test_set.targets.values),
            "n_repeats_left_out": test_set.n_dropped,
        },
    }


def _ranker_figures() -> dict[str, Any]:
    """What training said of the bundle's ranker."""
    learned = BUNDLE / "ranker" / "ranker.json"
    return dict(json.loads(learned.read_text(encoding="utf-8"))["figures"]) if learned.is_file() else {}


def _training_sample() -> list[str]:
    """A sentence where the ranker did not learn from all users."""
    sample = _ranker_figures().get("sample")
    if not sample:
        return []
    asked, possible = sample["n_users"], sample["n_users_possible"]
    return [f"The ranker learned from a seeded sample of {asked:,} of {possible:,} users (retrieve.max_users)."]


def _write_figures(judged: Judgement, reference: Path, names: list[str]) -> None:
    folder = EVALUATION / "plots"
    tables = plot_tables(judged.evaluation, names)
    present = {name: judged.evaluation.value("challenger", name) for name in names[:HISTORY_COLUMNS]}
    past = reference / "history.csv"
    lived = (
        pl.read_csv(past, schema_overrides={"release": pl.String}) if past.is_file() else pl.DataFrame({"release": []})
    )
    tables["ranker_learning.csv"] = learning_curve(_ranker_figures().get("learning_curve") or [])
    tables["history.csv"] = history(lived, {name: value for name, value in present.items() if np.isfinite(value)})
    write(tables, folder)


if __name__ == "__main__":
    stage(main)
