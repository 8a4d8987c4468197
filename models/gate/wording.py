"""Wording of segments, numbers and differences in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_WORDS = {
    "superior": "better",
    "not_worse": "not worse by {margin} or more",
    "worse": "worse",
    "unclear": "a loss of {margin} cannot be ruled out",
}


def people(segment: str) -> str:
    """The phrase for a segment (slice of the queries) in a sentence."""
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
    """A relative difference with its sign."""
    if not np.isfinite(share):
        return "none" if np.isnan(share) else "unbounded"
    return f"{share * 100:+.1f} %"


def difference_in_words(relative: Sequence[float], absolute: Sequence[float]) -> tuple[str, str, str]:
    """A difference and the bounds of its interval in words.

    relative, absolute: value, low, high. In percent; where a ratio has no bound (the champion's figure is 0, or
    resamples of it are) as the figures' absolute difference.
    """
    if np.isinf(relative).any():
        value, low, high = (signed(figure) for figure in absolute)
        return f"{value} absolute", low, high
    value, low, high = (percent(share) for share in relative)
    return value, low, high


def signed(figure: float) -> str:
    """A number with its sign."""
    return f"{'-' if figure < 0 else '+'}{number(abs(figure))}" if np.isfinite(figure) else number(figure)
