"""Summary of an evaluation: aligned text, markdown and the dictionary of metrics.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from models.evaluation.evaluate import HEADLINE, SLICES, Evaluation
from models.gate.wording import difference_in_words, number

LIST_PROPERTIES = (
    "coverage",
    "coverage_catalog",
    "novelty",
    "serendipity",
    "ild",
    "miscalibration",
    "pop_lift",
    "arp",
    "head_share",
    "gini",
)


def metrics_dict(evaluation: Evaluation, metrics: Sequence[str], k: int) -> dict[str, Any]:
    """The content of metrics.json: all figures of the challenger and the champion, the first two of every other model,
    bounds, the paired differences and the slices in the primary metric."""
    challenger, rest = evaluation.models[0], evaluation.models[1:]
    lists = [f"{name}@{k}" for name in LIST_PROPERTIES]
    first = list(metrics[:2])
    models = {
        model: _values(evaluation, model, [*metrics, *lists] if model in (challenger, "champion") else first)
        for model in evaluation.models
    }
    bounds = {
        model: {metric: _bounds(evaluation.summary, model, metric) for metric in first}
        for model in evaluation.models
        if model in (challenger, "champion")
    }
    against = {
        model: {metric: _difference(evaluation.differences, model, metric) for metric in first} for model in rest
    }
    return {"models": models, "intervals": bounds, "challenger_against": against, "slices": _slices(evaluation, first)}


def as_text(
    evaluation: Evaluation, metrics: Sequence[str], k: int, notes: Sequence[str] = (), confidence: float = 0.95
) -> str:
    """Plain aligned tables: metrics with intervals, differences to the challenger, slices, list properties."""
    primary = metrics[0]
    size = f"{evaluation_size(evaluation):,} test queries: {SLICES[HEADLINE]}"
    parts = [*notes, *sample_notes(evaluation), f"{size}; {confidence * 100:g} % intervals in brackets"]
    for heads, rows in tables(evaluation, metrics, k):
        parts.append(aligned([heads, *rows]))
    parts.append("\n".join([f"slices, in {primary}:", *(f"  {name}: {words}" for name, words in SLICES.items())]))
    return "\n\n".join(parts)


def as_markdown(evaluation: Evaluation, metrics: Sequence[str], k: int, notes: Sequence[str] = ()) -> str:
    """The same tables in markdown."""
    parts = ["# Metrics", *notes, *sample_notes(evaluation)]
    for heads, rows in tables(evaluation, metrics, k):
        lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
        parts.append("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]))
    return "\n\n".join(parts) + "\n"


def sample_notes(evaluation: Evaluation) -> list[str]:
    """A sentence where not all users of the test part were judged."""
    if evaluation.sampled_from is None:
        return []
    return [
        f"Judged on a seeded sample of the {evaluation.sampled_from:,} users of the test part (evaluate.max_users)."
    ]


def tables(evaluation: Evaluation, metrics: Sequence[str], k: int) -> list[tuple[list[str], list[list[str]]]]:
    """Heads and rows of each table."""
    primary, models = metrics[0], distinct(evaluation)
    accuracy = [
        [model, *(_with_bounds(evaluation, model, name) if name in metrics[:2] else _value(evaluation, model, name)
                  for name in metrics)]
        for model in models
    ]  # fmt: skip
    apart = [
        [f"challenger - {model}", *(_apart(evaluation.differences, model, name) for name in metrics[:2])]
        for model in models[1:]
    ]
    rows = evaluation.summary.filter(pl.col("metric") == primary)
    slices = []
    for name in SLICES:
        in_slice = rows.filter(slice=name)
        if in_slice.height:
            n_queries = f"{in_slice.get_column('n_queries')[0]:,}"
            figures = [_with_bounds(evaluation, model, primary, name) for model in _main(models)]
            slices.append([name, n_queries, *figures, _apart(evaluation.differences, "champion", primary, name)])
    lists = [name for name in LIST_PROPERTIES if f"{name}@{k}" in set(evaluation.summary.get_column("metric"))]
    properties = [[model, *(_value(evaluation, model, f"{name}@{k}") for name in lists)] for model in models]
    return [
        (["model", *metrics], accuracy),
        (["difference", *metrics[:2]], apart),
        (["slice", "queries", *_main(models), "challenger - champion"], slices),
        (["lists", *(f"{name}@{k}" for name in lists)], properties),
    ]


def evaluation_size(evaluation: Evaluation) -> int:
    """Queries of the headline."""
    rows = evaluation.summary.filter(slice=HEADLINE)
    return int(rows.get_column("n_queries")[0]) if rows.height else 0


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    sides: list[Callable[[str, int], str]] = [str.ljust, *[str.rjust] * (len(widths) - 1)]
    lines = ["  ".join(side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def distinct(evaluation: Evaluation) -> tuple[str, ...]:
    """The models without `popular` where it is the champion."""
    figures = [evaluation.summary.filter(model=model).drop("model") for model in ("champion", "popular")]
    same = figures[0].height > 0 and figures[0].equals(figures[1])
    return tuple(model for model in evaluation.models if not (same and model == "popular"))


def _main(models: Sequence[str]) -> list[str]:
    return [model for model in models if model in (models[0], "champion", "popular")]


def _row(frame: pl.DataFrame, model: str, metric: str, segment: str = HEADLINE) -> dict[str, Any] | None:
    rows = frame.filter(model=model, metric=metric, slice=segment)
    return rows.row(0, named=True) if rows.height else None


def _value(evaluation: Evaluation, model: str, metric: str) -> str:
    return number(evaluation.value(model, metric))


def _with_bounds(evaluation: Evaluation, model: str, metric: str, segment: str = HEADLINE) -> str:
    row = _row(evaluation.summary, model, metric, segment)
    return f"{number(row['value'])} [{number(row['low'])}, {number(row['high'])}]" if row else "-"


def _apart(differences: pl.DataFrame, model: str, metric: str, segment: str = HEADLINE) -> str:
    row = _row(differences, model, metric, segment)
    if row is None:
        return "-"
    relative = (row["relative"], row["relative_low"], row["relative_high"])
    value, lowest, highest = difference_in_words(relative, (row["difference"], row["low"], row["high"]))
    return f"{value} [{lowest}, {highest}]"


def _values(evaluation: Evaluation, model: str, metrics: Sequence[str]) -> dict[str, float]:
    values = {metric: evaluation.value(model, metric) for metric in metrics}
    return {metric: value for metric, value in values.items() if np.isfinite(value)}


def _bounds(summary: pl.DataFrame, model: str, metric: str) -> dict[str, float]:
    row = _row(summary, model, metric)
    return {} if row is None else {name: round(row[name], 6) for name in ("low", "high")}


def _difference(differences: pl.DataFrame, model: str, metric: str) -> dict[str, float]:
    row = _row(differences, model, metric) or {}
    names = ("difference", "low", "high")
    return {name: round(row[name], 6) for name in names if name in row and np.isfinite(row[name])}


def _slices(evaluation: Evaluation, metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    slices: dict[str, dict[str, float]] = {}
    for name in SLICES:
        row = _row(evaluation.summary, evaluation.models[0], metrics[0], name)
        if row is not None:
            values = {metric: evaluation.value(evaluation.models[0], metric, name) for metric in metrics}
            slices[name] = {"n_queries": row["n_queries"], **values}
    return slices
