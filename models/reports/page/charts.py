"""Drawings of the report: inline SVG in percent of the width, so that text keeps its size on any screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.reports.page.html import text

Point = tuple[float, float, float]  # value, low, high

HEIGHT = 22
LINE_CHART_HEIGHT = 230


def bar(point: Point, greatest: float, kind: str, words: str) -> str:
    """A bar from 0 with its interval; greatest: the value at the right edge."""
    value, low, high = (_share(number, 0.0, greatest) for number in point)
    inner = (
        f'<rect x="0" y="5" width="{value}" height="12" fill="currentColor" opacity="0.45"/>'
        f'<line x1="{low}" x2="{high}" y1="11" y2="11" stroke="currentColor" stroke-width="2"/>'
        + "".join(
            f'<line x1="{end}" x2="{end}" y1="7" y2="15" stroke="currentColor" stroke-width="2"/>'
            for end in (low, high)
        )
    )
    return _svg(inner, HEIGHT, kind, words)


def interval_bar(point: Point, reach: float, allowed: float | None, kind: str, words: str) -> str:
    """A relative difference with its interval around 0 in the middle, cut off at `reach` on both sides.

    allowed: the difference that counts as worse begins here (negative where more is better), drawn as a dashed line.
    """
    value, low, high = (_share(number, -reach, reach) for number in point)
    zero = '<line x1="50%" x2="50%" y1="0" y2="22" stroke="var(--dim)" stroke-width="1"/>'
    if allowed is not None:
        edge = _share(allowed, -reach, reach)
        zero += f'<line x1="{edge}" x2="{edge}" y1="0" y2="22" stroke="var(--dim)" stroke-dasharray="2 3"/>'
    span = f'<line x1="{low}" x2="{high}" y1="11" y2="11" stroke="currentColor" stroke-width="5" opacity="0.45"/>'
    return _svg(f'{zero}{span}<circle cx="{value}" cy="11" r="5" fill="currentColor"/>', HEIGHT, kind, words)


def line_chart(lines: Mapping[str, Sequence[Point]], ticks: Sequence[str], words: str) -> str:
    """Lines with intervals over a few named steps; lines: a class each, a point for each step."""
    top = max((high for points in lines.values() for _, _, high in points if np.isfinite(high)), default=0.0) or 1.0
    floor, ceiling = LINE_CHART_HEIGHT - 26, 10
    steps = [12 + 80 * step / max(len(ticks) - 1, 1) for step in range(len(ticks))]

    def height(value: float) -> str:
        return f"{floor - (floor - ceiling) * min(max(value / top, 0.0), 1.0):.1f}"

    elements = []
    for share in (0.0, 0.5, 1.0):
        level = height(share * top)
        elements.append(f'<line x1="6%" x2="98%" y1="{level}" y2="{level}" stroke="var(--line)"/>')
        elements.append(f'<text x="5%" y="{level}" dy="4" text-anchor="end">{share * top:.2f}</text>')
    for step, name in zip(steps, ticks, strict=True):
        elements.append(f'<text x="{step:.1f}%" y="{LINE_CHART_HEIGHT - 6}" text-anchor="middle">{text(name)}</text>')
    for line, (kind, points) in enumerate(lines.items()):
        at = [
            f"{step + (line - (len(lines) - 1) / 2) * 0.9:.2f}%" for step in steps
        ]  # so that intervals do not overlap
        marks = []
        for x, (value, low, high) in zip(at, points, strict=True):
            marks.append(
                f'<line x1="{x}" x2="{x}" y1="{height(low)}" y2="{height(high)}" stroke="currentColor" '
                f'stroke-width="2" opacity="0.45"/><circle cx="{x}" cy="{height(value)}" r="4" fill="currentColor"/>'
            )
        joins = [
            f'<line x1="{at[n]}" x2="{at[n + 1]}" y1="{height(points[n][0])}" y2="{height(points[n + 1][0])}" '
            'stroke="currentColor" stroke-width="2"/>'
            for n in range(len(points) - 1)
        ]
        elements.append(f'<g class="{kind}">{"".join([*joins, *marks])}</g>')
    return _svg("".join(elements), LINE_CHART_HEIGHT, "", words)


def _svg(inner: str, height: int, kind: str, words: str) -> str:
    return f'<svg class="{kind}" height="{height}" role="img" aria-label="{text(words)}">{inner}</svg>'


def _share(value: float, low: float, high: float) -> str:
    """Where a value stands between two ends, in percent of the width; beyond them at the end, NaN at the start."""
    share = (value - low) / (high - low) if high > low and not np.isnan(value) else 0.0
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"
