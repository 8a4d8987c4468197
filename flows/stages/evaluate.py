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
PLOTS = Path("data/reports/plots")
HISTORY_COLUMNS = 2


def main() -> None:
    """data/bundle → data/evaluation, data/reports/metrics.json, data/reports/plots."""
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
    past = _past(Path(source.reference))
    save(
        judged.evaluation,
        judged.champion,
        EVALUATION,
        bundle_hash=read_manifest(BUNDLE).hash,
        choices=choices,
        release=_live_release(past),
    )
    figures_dict = metrics_dict(judged.evaluation, names, params.k[0]) | _facts(judged) | _rolling(rolling)
    write_text(json.dumps(figures_dict, indent=1, sort_keys=True) + "\n", METRICS)
    write_text(as_markdown(judged.evaluation, names, params.k[0], _training_sample()), EVALUATION / "metrics.md")
    _write_plots(judged, past, names, judge_learning_curve(contenders, judged, params))
    _write_examples(judged, contenders.challenger.catalogue, params)


def _rolling(rolling: Rolling | None) -> dict[str, Any]:
    """Writes the rolling evaluation, where the split has a cutoff in time."""
    if rolling is None:
        return {}
    ROLLING.write(rolling.recommendations, EVALUATION / "rolling.parquet")
    write_parquet(rolling.figures, EVALUATION / ROLLING_FIGURES)
    return {"rolling": rolling_dict(rolling.figures)}


def _write_examples(judged: Judgement, catalogue: Catalogue, params: Params) -> None:
    """Recommendations for sample users, for the HTML report."""
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
    """The training metrics of the bundle's ranker."""
    learned = BUNDLE / "ranker" / "ranker.json"
    return dict(json.loads(learned.read_text(encoding="utf-8"))["figures"]) if learned.is_file() else {}


def _training_sample() -> list[str]:
    """A sentence where the ranker did not learn from all users."""
    sample = _ranker_figures().get("sample")
    if not sample:
        return []
    n_sampled, possible = sample["n_users"], sample["n_users_possible"]
    return [f"The ranker learned from a seeded sample of {n_sampled:,} of {possible:,} users (retrieve.max_users)."]


def _past(reference: Path) -> pl.DataFrame:
    """The releases that were live, oldest first: release, metrics, live (1 for one of them)."""
    path = reference / "history.csv"
    none = pl.DataFrame({"release": []}, schema={"release": pl.String})
    return pl.read_csv(path, schema_overrides={"release": pl.String}) if path.is_file() else none


def _live_release(past: pl.DataFrame) -> str | None:
    """The live release; None for a table that was written without that column."""
    live = past.filter(live=1) if "live" in past.columns else past.clear()
    return str(live.get_column("release")[0]) if live.height else None


def _write_plots(judged: Judgement, past: pl.DataFrame, names: list[str], sizes: pl.DataFrame) -> None:
    """The tables that `dvc plots` draws; sizes: of `judge_learning_curve`."""
    present = {name: judged.evaluation.value("challenger", name) for name in names[:HISTORY_COLUMNS]}
    tables = plot_tables(judged.evaluation, names)
    tables[LEARNING_CURVE] = sizes
    tables["ranker_learning.csv"] = learning_curve(_ranker_figures().get("learning_curve") or [])
    tables["history.csv"] = history(past, {name: value for name, value in present.items() if np.isfinite(value)})
    write(tables, PLOTS)


if __name__ == "__main__":
    stage(main)
