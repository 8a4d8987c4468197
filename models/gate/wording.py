"""Wording: slices, numbers and differences as they stand in a sentence."""

from __future__ import annotations

import numpy as np

_WORDS = {
    "superior": "better",
    "not_worse": "not worse by {margin} or more",
    "worse": "worse",
    "unclear": "a loss of {margin} cannot be ruled out",
}


def people(segment: str) -> str:
    """A segment (slice of the queries) as it stands in a sentence."""
    if segment.startswith("history_"):
        return f"users asked with {segment.removeprefix('history_')} acts"
    return {"warm": "warm users", "warm_all": "warm users with all targets", "all": "all users"}.get(
        segment, segment.replace("_", " ")
    )


def number(value: float) -> str:
    """Four significant digits, whole numbers from 1,000 on."""
    if not np.isfinite(value):
        return "none" if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4f}" if abs(value) < 1 else f"{value:.4g}"


def percent(share: float) -> str:
    """A relative difference with its sign; more than nothing is infinitely more."""
    if not np.isfinite(share):
        return "none" if np.isnan(share) else f"{'+' if share > 0 else '-'}∞ %"
    return f"{share * 100:+.1f} %"
