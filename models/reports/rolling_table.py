"""Results of rolling judging: means, intervals over users, the challenger's lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Float64
from models.evaluation.intervals import bounds, ratio_less_one, resampled_means, sums_by_user
from models.gate.wording import difference_in_words, number
from models.reports.summary import aligned

_FIGURES = {
    "model": pl.String,
    "metric": pl.String,
    "n_events": pl.Int64,
    "n_users": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "lead": pl.Float64,
    "lead_low": pl.Float64,
    "lead_high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
}


def rolling_figures(
    user_ids: npt.NDArray[np.str_],
    models: Mapping[str, Mapping[str, Float64]],
    *,
    n_resamples: int = 1000,
    seed: int = 1,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """model, metric, n_events, n_users, value, low, high: means over events; lead, lead_low, lead_high: of the first
    model's mean over this one's, less one; difference, difference_low, difference_high: of its mean less this one's.

    models: values (n_events,) by metric by model. The bounds resample whole users, all models together
    (`sums_by_user`).
    """
    names = [(model, metric) for model, values in models.items() for metric in values]
    columns = [models[model][metric] for model, metric in names]
    sums = sums_by_user(np.stack(columns, axis=1), user_ids)
    resamples = resampled_means(sums, n_resamples, seed)
    first = next(iter(models))
    rows: list[tuple[Any, ...]] = []
    for index, (model, metric) in enumerate(names):
        column, ours = columns[index], names.index((first, metric))
        value = float(column.mean()) if len(column) else float("nan")
        lead: tuple[float | None, ...] = (None,) * 6
        if model != first and len(column):
            ratio = ratio_less_one(np.array([columns[ours].sum()]), np.array([column.sum()]))
            apart = (resamples[:, ours] - resamples[:, index]) / resamples[:, -1]
            lead = (
                float(ratio[0]),
                *bounds(ratio_less_one(resamples[:, ours], resamples[:, index]), confidence),
                float(columns[ours].mean() - column.mean()),
                *bounds(apart, confidence),
            )
        spread = bounds(resamples[:, index] / resamples[:, -1], confidence)
        rows.append((model, metric, len(column), len(sums), value, *spread, *lead))
    return pl.DataFrame(rows, schema=_FIGURES, orient="row")


def rolling_dict(figures: pl.DataFrame) -> dict[str, Any]:
    """The part of the table that metrics.json holds."""
    models: dict[str, Any] = {}
    for row in figures.iter_rows(named=True):
        models.setdefault(row["model"], {})[row["metric"]] = round(row["value"], 6)
    return {"n_events": int(figures.get_column("n_events")[0]), "models": models}


def rolling_text(figures: pl.DataFrame, confidence: float = 0.95) -> str:
    """The means as an aligned table, the first two metrics with bounds and the challenger's lead."""
    metrics = figures.get_column("metric").unique(maintain_order=True).to_list()
    first = metrics[:2]
    rows = [["rolling", *metrics, *(f"lead in {name}" for name in first)]]
    for (model,), rows_of_model in figures.group_by("model", maintain_order=True):
        by_name = {row["metric"]: row for row in rows_of_model.iter_rows(named=True)}
        cells = [_cell(by_name[name], name in first) for name in metrics]
        rows.append([str(model), *cells, *(_lead(by_name[name]) for name in first)])
    head = figures.row(0, named=True)
    lead_in = (
        f"{head['n_events']:,} later events of {head['n_users']:,} users, each a query with all that preceded it as "
        f"history; weights fixed at the cut; {confidence * 100:g} % intervals over users in brackets"
    )
    return f"{lead_in}\n\n{aligned(rows)}"


def _cell(row: Mapping[str, Any], with_bounds: bool) -> str:
    value = number(row["value"])
    return f"{value} [{number(row['low'])}, {number(row['high'])}]" if with_bounds else value


def _lead(row: Mapping[str, Any]) -> str:
    if row["lead"] is None:
        return ""
    relative = (row["lead"], row["lead_low"], row["lead_high"])
    value, low, high = difference_in_words(relative, (row["difference"], row["difference_low"], row["difference_high"]))
    return f"{value} [{low}, {high}]"
