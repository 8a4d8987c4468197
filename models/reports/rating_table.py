"""Rating table: how well each rater predicts, as text and as the dictionary of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.evaluation.intervals import Interval
from models.evaluation.rating_accuracy import Judged
from models.reports.summary import aligned

HEADS = ("rater", "RMSE", "MAE", "MAE of median", "expected MAE", "expected of median", "within 95 %")


def ratings_text(judged: Mapping[str, Judged]) -> str:
    """The table, the best RMSE first."""
    rows = []
    for name, one in sorted(judged.items(), key=lambda entry: entry[1].rmse.value):
        rest = (one.expected_mae, one.expected_of_median, one.covered)
        three = (one.rmse, one.mae, one.mae_of_median)
        rows.append([name, *map(_interval, three), *("-" if np.isnan(x) else f"{x:.4f}" for x in rest)])
    return aligned([HEADS, *rows])


def ratings_dict(judged: Mapping[str, Judged]) -> dict[str, Any]:
    """The same figures for JSON; what is not known is left out."""

    def plain(one: Interval | float) -> Any:
        if not isinstance(one, Interval):
            return None if np.isnan(one) else round(one, 6)
        three = {"value": one.value, "low": one.low, "high": one.high}
        return None if np.isnan(one.value) else {name: round(bound, 6) for name, bound in three.items()}

    def figures(one: Judged) -> dict[str, Any]:
        figures = {name: plain(value) for name, value in vars(one).items()}
        return {name: value for name, value in figures.items() if value is not None}

    return {name: figures(one) for name, one in judged.items()}


def _interval(one: Interval) -> str:
    return "-" if np.isnan(one.value) else f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"
