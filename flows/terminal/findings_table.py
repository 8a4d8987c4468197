"""Findings on standard output: a line each with its mark, and what to do below it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from flows.health.findings import Finding

MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "wrong": ("✗", "red")}
INDENT = 16
WIDTH = 120


def print_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Prints each finding as it comes; gives them all."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, markup=False)
    width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    printed = []
    for finding in findings:
        mark, style = MARKS[finding.level]
        lines = _wrapped(finding.what, width)
        if finding.remedy:
            lines += _wrapped(f"→ {finding.remedy}", width)
        first, *others = lines
        console.print(Text.assemble((f"{mark} ", style), f"{finding.area:<{INDENT - 2}}", first), soft_wrap=True)
        for line in others:
            console.print(f"{'':<{INDENT}}{line}", soft_wrap=True)
        printed.append(finding)
    return printed


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width - INDENT, 40), break_long_words=False, break_on_hyphens=False) or [""]
