"""Rating accuracy: RMSE, MAE and calibration of predicted ratings, with intervals over users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Float64
from models.data.types import Ratings
from models.evaluation.intervals import Interval, bounds, resampled_means

MOST_LEVELS = 50  # with more different values than this they count as continuous
NO_INTERVAL = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Predicted:
    """A rater's answers for the rows of a part: values (n_rows,); deviations (n_rows,) standard deviations of the
    rating, or None where the rater does not know how sure it is."""

    values: Float32
    deviations: Float32 | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One rater's figures on test, in units of the value; the last four are nan without a predictive distribution.

    mae_of_median: of the point that minimises the expected absolute loss; expected_mae, expected_of_median: E|r - r̂|
    under the predictive distribution, of the prediction and of that point, without looking at the truth; covered: share
    of ratings within the interval that should hold 95 %.
    """

    rmse: Interval
    mae: Interval
    mae_of_median: Interval
    expected_mae: float
    expected_of_median: float
    covered: float


def judge_ratings(
    test: Ratings,
    predicted: Mapping[str, Predicted],
    levels: Float32,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Judged]:
    """Each rater's figures, with intervals by bootstrap over users (a user's ratings stay together).

    levels: the different values of the training rows, ascending; the predictive distribution is the normal one, rounded
    to them where they are few.
    """
    truth = test.values.astype(np.float64)
    judged = {}
    for name, answer in predicted.items():
        point = answer.values.astype(np.float64)
        squared, absolute = (point - truth) ** 2, np.abs(point - truth)
        columns = [squared, absolute]
        expected_mae = expected_of_median = covered = float("nan")
        if answer.deviations is not None:
            spread = np.maximum(answer.deviations.astype(np.float64), 1e-9)
            median = medians(point, levels)
            columns.append(np.abs(median - truth))
            expected_mae = float(expected_loss(point, spread, point, levels).mean())
            expected_of_median = float(expected_loss(point, spread, median, levels).mean())
            covered = float((absolute <= 1.959964 * spread).mean())
        rmse, mae, *of_median = _by_user(test, columns, n_resamples, seed, confidence)
        judged[name] = Judged(
            rmse=rmse,
            mae=mae,
            mae_of_median=of_median[0] if of_median else NO_INTERVAL,
            expected_mae=expected_mae,
            expected_of_median=expected_of_median,
            covered=covered,
        )
    return judged


def medians(means: Float64, levels: Float32) -> Float64:
    """The points with the least expected absolute loss: the nearest level where values have few, else the mean."""
    if len(levels) > MOST_LEVELS:
        return means
    ordered = levels.astype(np.float64)
    nearest: Float64 = ordered[np.searchsorted((ordered[1:] + ordered[:-1]) / 2.0, means)]
    return nearest


def expected_loss(means: Float64, deviations: Float64, points: Float64, levels: Float32) -> Float64:
    """(n,) E|r - point|, r normal around `means`, rounded to the nearest level where values have few."""
    from scipy.special import ndtr

    if len(levels) > MOST_LEVELS:
        z = (points - means) / deviations
        density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
        smooth: Float64 = deviations * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density)
        return smooth
    ordered = levels.astype(np.float64)
    edges = (ordered[1:] + ordered[:-1]) / 2.0
    total, below = np.zeros(len(means)), np.zeros(len(means))
    for level, edge in zip(ordered, [*edges, np.inf], strict=True):
        up_to = ndtr((edge - means) / deviations)
        total += (up_to - below) * np.abs(level - points)
        below = up_to
    return total


def _by_user(
    test: Ratings, columns: Sequence[Float64], n_resamples: int, seed: int, confidence: float
) -> list[Interval]:
    """Of each column its mean over the rows (the first: the root of it) with bounds over resampled users."""
    _, users = np.unique(test.users, return_inverse=True)
    sums = np.column_stack([np.bincount(users, column) for column in (np.ones(len(test)), *columns)]).astype(np.float64)
    drawn = resampled_means(sums, n_resamples, seed)
    intervals = []
    for number, column in enumerate(columns):
        mean, resampled = float(column.mean()), drawn[:, number + 1] / drawn[:, 0]
        if number == 0:
            mean, resampled = mean**0.5, np.sqrt(resampled)
        intervals.append(Interval(mean, *bounds(resampled, confidence)))
    return intervals
