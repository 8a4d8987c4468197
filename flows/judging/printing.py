"""What `recops evaluate` prints: tables of the last evaluation, or of a bundle that is evaluated now."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.positives import Positives
from flows.judging.cold_start import with_history_sizes
from flows.judging.contenders import Source, open_contenders, read_test
from flows.judging.frozen import judge
from flows.judging.rolling import judge_rolling
from flows.project.dataset import Project
from models.evaluation.evaluate import Params
from models.evaluation.metrics import metric_names
from models.evaluation.results import ROLLING_FIGURES, champion_name, load
from models.reports.rolling_table import rolling_text
from models.reports.summary import as_text


def evaluation_text(project: Project, bundle: Path | None) -> str:
    """Metrics with intervals and slices, with the history frozen at the cut and, where there is one, live."""
    params = project.section("evaluate", Params)
    if bundle is None:
        evaluation, champion = load(project.paths.evaluation)
        kept = project.paths.evaluation / ROLLING_FIGURES
        figures = pl.read_parquet(kept) if kept.is_file() else None
    else:
        source = Source.read(project.paths.params)
        test = read_test(project)
        contenders = open_contenders(project, bundle, Positives.of(params.targets), source)
        judged = with_history_sizes(project, test, contenders, judge(test, contenders, params, source), params)
        rolling = judge_rolling(test, contenders, params)
        evaluation, champion = judged.evaluation, judged.champion
        figures = rolling.figures if rolling is not None else None
    words = champion_name(champion) if champion.startswith("popular") else f"bundle {champion[:12]}"
    frozen = as_text(evaluation, metric_names(params.k), params.k[0], [f"champion: {words}"], params.confidence)
    return frozen if figures is None else f"{frozen}\n\n{rolling_text(figures, params.confidence)}"
