"""Sections of the report that compare: the gate's checks, both protocols side by side, cold start, each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import polars as pl

from models.evaluation.evaluate import HEADLINE, HISTORY_SIZES, Evaluation, history_slice
from models.gate.checks import Result
from models.gate.wording import difference_in_words, number, people
from models.reports.page.charts import Point, bar, interval_bar, line_chart
from models.reports.page.html import key, row, section
from models.reports.page.labels import kind, metric_name, model_name
from models.reports.summary import distinct

FARTHEST = 1.5  # a relative difference beyond this is drawn at the edge
COLORS = {"superior": "good", "not_worse": "good", "worse": "bad", "unclear": "open", "too_few": "plain"}
OUTCOMES = {
    "superior": "better",
    "not_worse": "holds its own",
    "worse": "worse",
    "unclear": "not shown",
    "too_few": "too few users",
}
COLORS_OF_LINES = ("ours", "theirs", "plain", "good", "open", "bad")
SIDES = ("challenger", "champion", "popular")


def against_champion(results: Sequence[Result], champion: str) -> str:
    """A line for each check of the gate: the lead with its interval, and how far it may fall behind."""
    ends = [abs(end) for result in results for end in (result.relative.low, result.relative.high) if np.isfinite(end)]
    reach = min(max([*ends, *(result.margin for result in results)]), FARTHEST) * 1.05
    unbounded = any(np.isinf(astuple(result.relative)).any() for result in results)
    rows = []
    for result in results:
        apart = result.relative
        sign = -1.0 if result.less_is_better else 1.0
        label = f"{metric_name(result.metric)} · {people(result.segment)}"
        point = (apart.value, apart.low, apart.high)
        outcome = OUTCOMES[result.outcome]
        value, low, high = difference_in_words(astuple(apart), astuple(result.difference))
        words = f"{label}: {value}, interval {low} to {high}: {outcome}"
        color = COLORS[result.outcome]
        drawing, caption = '<svg height="22"></svg>', outcome
        if not np.isnan(apart.value):
            drawing = interval_bar(point, reach, -sign * result.margin, color, words)
            caption = f"{value} · {outcome}"
        rows.append(row(f"{label}{' (less is better)' if sign < 0 else ''}", drawing, caption, color))
    return section(
        f"Against {champion}",
        "Each line is one thing that must hold. The dot is the difference, the bar the range in which the truth "
        "most likely lies. Right of the middle is more, left is less; the dashed mark is the loss that is still "
        "accepted, and the whole bar has to stay on its good side. What is farther off stands at the edge."
        + (f" Where {champion} has 0, no percentage can be given and the difference is absolute." if unbounded else ""),
        *rows,
    )


def side_by_side(evaluation: Evaluation, rolling: pl.DataFrame | None, metrics: Sequence[str], champion: str) -> str:
    """The same metrics with the history frozen at the cut and with live histories."""
    models = [model for model in SIDES if model in distinct(evaluation)]
    panels = []
    for metric in metrics:
        sides = {"Whole time after the cut (frozen)": [(model, point(evaluation, model, metric)) for model in models]}
        if rolling is not None:
            sides["The very next choice (rolling)"] = _live(rolling, models, metric)
        for name, points in sides.items():
            chart = bars(points, champion, metric)
            panels.append(f"<div><h3>{metric_name(metric)}<br><small>{name}</small></h3>{chart}</div>")
    return section(
        "Two ways to ask",
        "Frozen: what is known of a user stops at the cut, and all that they choose afterwards counts. Rolling: each "
        "later choice is one question, asked with everything that preceded it. Higher is better; thin "
        "lines are intervals.",
        f'<div class="panels">{"".join(panels)}</div>',
    )


def _live(rolling: pl.DataFrame, models: Sequence[str], metric: str) -> list[tuple[str, Point]]:
    """Figures of rolling judging; where popular is the champion they stand under its name."""
    rows = {one["model"]: one for one in rolling.filter(metric=metric).iter_rows(named=True)}
    if "champion" not in rows and "popular" in rows:
        rows["champion"] = rows["popular"]
    judged = [(model, rows[model]) for model in models if model in rows]
    return [(model, (one["value"], one["low"], one["high"])) for model, one in judged]


def cold_start(evaluation: Evaluation, metrics: Sequence[str], champion: str) -> str:
    """Each metric by history size of the same users; empty without cold-start judging."""
    steps = [n for n in HISTORY_SIZES if np.isfinite(evaluation.value("challenger", metrics[0], history_slice(n)))]
    if not steps:
        return ""
    models = [model for model in SIDES if model in distinct(evaluation)]
    ticks = ["1 act" if n == 1 else f"{n} acts" for n in steps]
    panels = []
    for metric in metrics:
        lines = {
            kind(model): [point(evaluation, model, metric, history_slice(n)) for n in steps]
            for model in reversed(models)
        }
        description = ", ".join(
            f"{n}: {number(evaluation.value('challenger', metric, history_slice(n)))}" for n in steps
        )
        chart = line_chart(lines, ticks, f"{metric} by acts known: {description}")
        panels.append(f"<div><h3>{metric_name(metric)}</h3>{chart}</div>")
    n_users = evaluation.summary.filter(slice=history_slice(steps[0]), metric=metrics[0]).get_column("n_queries")[0]
    return section(
        "How soon it knows a newcomer",
        f"{n_users:,} users with long histories, asked again as if only their newest acts were known: nothing, one, "
        "three, ten. Higher is better.",
        key([(kind(model), model_name(model, champion)) for model in models]),
        f'<div class="panels">{"".join(panels)}</div>',
    )


def parts(evaluation: Evaluation, metric: str, champion: str) -> str:
    """The recommender beside each of its parts, and what else was judged."""
    models = distinct(evaluation)
    points = [(model, point(evaluation, model, metric)) for model in models]
    ranked = sorted(points, key=lambda one: (-one[1][0], one[0]))
    return section(
        "The whole and its parts",
        f"What each way to find candidates would do alone, against all of them together. {metric_name(metric)}"
        + (
            "; “all-knowing” knows the simulated users' true taste, nobody can do better."
            if "oracle" in models
            else "."
        ),
        bars(ranked, champion, metric),
    )


def learning_curve(sizes: pl.DataFrame, metric: str) -> str:
    """Learning curves of some parts by share of the log; empty if none was computed."""
    if sizes.is_empty():
        return ""
    ticks = sizes.get_column("percent").unique().sort().to_list()
    names = sizes.get_column("series").unique(maintain_order=True).to_list()
    colors = dict(zip(names, COLORS_OF_LINES, strict=False))  # more lines than colors would not be read
    values = {name: sizes.filter(series=name).sort("percent").get_column("value").to_list() for name in colors}
    lines = {colors[name]: [(value, value, value) for value in curve] for name, curve in values.items()}
    description = "; ".join(f"{name}: {', '.join(number(value) for value in curve)}" for name, curve in values.items())
    return section(
        "Would more data help?",
        "Some parts learned again from the newest part of the log alone. A line that still rises at the right says "
        "that more data would help, a flat one that old data could go, a falling one that they mislead. "
        f"{metric_name(metric)}.",
        key([(color, name) for name, color in colors.items()]),
        line_chart(lines, [f"newest {share} %" if share < 100 else "all" for share in ticks], description),
    )


def bars(points: Sequence[tuple[str, Point]], champion: str, metric: str) -> str:
    """Bars of models on one scale."""
    greatest = max((value for _, one in points for value in one if np.isfinite(value)), default=0.0)
    return "".join(
        row(
            model_name(model, champion),
            bar(one, greatest, kind(model), f"{metric} of {model_name(model, champion)}: {number(one[0])}"),
            number(one[0]),
        )
        for model, one in points
    )


def point(evaluation: Evaluation, model: str, metric: str, segment: str = HEADLINE) -> Point:
    """A figure with its bounds."""
    rows = evaluation.summary.filter(model=model, metric=metric, slice=segment)
    if not rows.height:
        return (float("nan"),) * 3
    figures = rows.select("value", "low", "high").row(0)
    return (float(figures[0]), float(figures[1]), float(figures[2]))
