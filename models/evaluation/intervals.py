"""Intervals by paired bootstrap over users: one query a user, all models resampled together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features.arrays import Float64

CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds between which it lies at the confidence asked for."""

    value: float
    low: float
    high: float


def resampled_means(values: Float64, n_resamples: int, seed: int) -> Float64:
    """Means of each column over users drawn with replacement: (n_users, m) → (n_resamples, m).

    Every column sees the same draws, so differences between columns are paired. The same seed and number of users give
    the same draws. Source: Efron & Tibshirani 1993, chapter 6.
    """
    n_users = len(values)
    if not n_users:
        return np.full((n_resamples, values.shape[1]), np.nan)
    if n_users * n_resamples <= CELLS_AT_ONCE:
        means: Float64 = _few_draws(n_users, n_resamples, seed) @ values / n_users
        return means
    rows = [draws @ values for draws in _draws(n_users, n_resamples, seed)]
    return np.concatenate(rows) / n_users


def sums_by_user(values: Float64, owners: npt.NDArray[np.generic]) -> Float64:
    """(n_users, m + 1): each user's rows of values (n_rows, m) added up, and last how many they are.

    owners: (n_rows,) whose each row is. Resampled so, a column over the last one is a mean over rows whose spread is
    that of users, since rows of one user are alike (cluster bootstrap, Davison & Hinkley 1997, section 3.8).
    """
    users, user_of_row = np.unique(owners, return_inverse=True)
    columns = [*values.T, np.ones(len(values))]
    return np.stack([np.bincount(user_of_row, column, minlength=len(users)) for column in columns], axis=1)


@lru_cache(maxsize=2)
def _few_draws(n_users: int, n_resamples: int, seed: int) -> Float64:
    """The draws that several columns, checks or slices of one size share."""
    return next(_draws(n_users, n_resamples, seed))


def _draws(n_users: int, n_resamples: int, seed: int) -> Iterator[Float64]:
    """How often each user is drawn, in blocks (n, n_users) that bound the memory."""
    rng = np.random.default_rng(seed)
    block = max(1, CELLS_AT_ONCE // n_users)
    for start in range(0, n_resamples, block):
        n = min(block, n_resamples - start)
        drawn = rng.integers(0, n_users, size=(n, n_users)) + np.arange(n)[:, None] * n_users
        yield np.bincount(drawn.ravel(), minlength=n * n_users).reshape(n, n_users).astype(np.float64)


def bounds(resampled: Float64, confidence: float) -> tuple[float, float]:
    """Percentile bounds of a resampled figure, both sides together `confidence`; infinite values are allowed."""
    ordered = np.sort(resampled[~np.isnan(resampled)])
    if not len(ordered):
        return float("nan"), float("nan")
    outside = (1.0 - confidence) / 2.0
    low = int(np.floor(outside * (len(ordered) - 1)))
    high = int(np.ceil((1.0 - outside) * (len(ordered) - 1)))
    return float(ordered[low]), float(ordered[high])


def ratio_less_one(ours: Float64, theirs: Float64) -> Float64:
    """ours / theirs - 1, elementwise, safe where theirs is 0: 0 when both are, else infinity with the sign of ours."""
    safe = np.where(theirs == 0, 1.0, theirs)
    unbounded = np.where(ours == 0, 0.0, np.copysign(np.inf, ours))
    return np.where(theirs == 0, unbounded, ours / safe - 1.0)


def coverage_ratio(
    ours: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.int64],
    *,
    n_resamples: int,
    seed: int,
    confidence: float = 0.95,
) -> Interval:
    """Distinct items in our lists over those in theirs, less one; lists (n_users, k) of codes, -1 pads.

    A bootstrap sample repeats users and so loses items; random halves of the users, drawn without repeats, vary as much
    as the whole does, and only their spread is used. Source: McCarthy 1969, doi:10.2307/1402116.
    """
    if not len(ours):
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    n_items = int(max(ours.max(), theirs.max())) + 1
    ratios = np.zeros(n_resamples)
    for sample in range(n_resamples):
        half = rng.permutation(len(ours))[: max(1, len(ours) // 2)]
        ratios[sample] = np.log(_n_distinct(ours[half], n_items) / _n_distinct(theirs[half], n_items))
    whole = np.log(_n_distinct(ours, n_items) / _n_distinct(theirs, n_items))
    low, high = bounds(whole + ratios - ratios.mean(), confidence)
    return Interval(float(np.expm1(whole)), float(np.expm1(low)), float(np.expm1(high)))


def _n_distinct(lists: npt.NDArray[np.int64], n_items: int) -> float:
    """At least 1, so that a ratio of silent recommenders is 1."""
    return float(max(1, int((np.bincount(lists[lists >= 0], minlength=n_items) > 0).sum())))
