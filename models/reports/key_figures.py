"""Key figures of a run: the few numbers by which experiments are compared (`dvc metrics diff`, `dvc exp show`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from models.evaluation.evaluate import Evaluation
from models.gate.decision import Decision


def key_figures(
    evaluation: Evaluation, decision: Decision, rolling: pl.DataFrame | None, profile: Mapping[str, Any], k: int
) -> dict[str, float | int]:
    """Name → number, in the order in which people read them; what was not judged is left out.

    lift: of the gate's metric against the champion's, relative; promote: 1 or 0; rolling: of `rolling_figures`;
    profile: n_rows, n_users and n_items of the data; k: length of the lists.
    """
    primary = decision.results[0]
    low, high = _bounds(evaluation, primary.metric, primary.segment)
    ndcg, recall = f"ndcg@{k}", f"recall@{k}"
    figures = {
        "promote": int(decision.promote),
        primary.metric: evaluation.value("challenger", primary.metric, primary.segment),
        f"{primary.metric}_low": low,
        f"{primary.metric}_high": high,
        "lift": primary.relative.value,
        **{metric: evaluation.value("challenger", metric) for metric in (ndcg, recall) if metric != primary.metric},
        f"rolling_{ndcg}": _rolling(rolling, ndcg),
        f"new_items_{ndcg}": evaluation.value("challenger", ndcg, "new_items"),
        f"coverage@{k}": evaluation.value("challenger", f"coverage@{k}"),
        f"novelty@{k}": evaluation.value("challenger", f"novelty@{k}"),
        **{name: int(profile[name]) for name in ("n_rows", "n_users", "n_items")},
    }
    return {name: round(figure, 6) for name, figure in figures.items() if np.isfinite(figure)}


def _bounds(evaluation: Evaluation, metric: str, segment: str) -> tuple[float, float]:
    rows = evaluation.summary.filter(model="challenger", metric=metric, slice=segment)
    if not rows.height:
        return float("nan"), float("nan")
    low, high = rows.select(pl.col("low", "high").cast(pl.Float64)).fill_null(np.nan).row(0)
    return float(low), float(high)


def _rolling(rolling: pl.DataFrame | None, metric: str) -> float:
    """The challenger's mean with live histories, NaN where there is none."""
    rows = pl.DataFrame() if rolling is None else rolling.filter(model="challenger", metric=metric)
    return float(rows.get_column("value")[0]) if rows.height else float("nan")
