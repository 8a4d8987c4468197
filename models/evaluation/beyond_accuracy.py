"""Properties of the lists themselves: coverage, novelty, diversity, calibration and popularity bias."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Float64, Int64
from models.evaluation.test_set import TestSet

HEAD_SHARE = 0.1
CALIBRATION_SMOOTHING = 0.01  # share of the history mixed into the list, so that no divergence is infinite


def head(popularity: Int64) -> Bool:
    """(n_items,) whether an item is among the 10 % most popular of those with history.

    Ties at the border fall as numpy's default sort leaves them, which is what pandas' `sort_values` does too.
    """
    with_history = np.flatnonzero(popularity > 0)
    falling = (len(with_history) - 1 - np.argsort(popularity[with_history][::-1]))[::-1]
    chosen = np.zeros(len(popularity), dtype=np.bool_)
    chosen[with_history[falling[: max(1, round(HEAD_SHARE * len(with_history)))]]] = len(with_history) > 0
    return chosen


def list_values(test_set: TestSet, lists: Int64, k: int) -> dict[str, Float64]:
    """Each property of each query's first k items, shape (n_queries,); NaN where the list does not define it.

    novelty     mean of -log2(users of the item / all users), at least half a user, in bits
    arp         mean popularity before the cut (users of the item)
    pop_lift    arp over the mean popularity of the user's own history; 1 is calibrated
    head_share  share of the list among the 10 % most popular items
    ild         mean pairwise 1 - cosine of the items' tags (items of the item table; NaN below two)
    miscalibration  how far the list's categories are from those of the user's history: Kullback-Leibler divergence in
                nats of Steck 2018, doi:10.1145/3240323.3240372, 0 when the shares are alike; NaN without a category
    """
    top = lists[:, :k]
    shown = top >= 0
    n_shown = np.where(shown.any(axis=1), shown.sum(axis=1), np.nan)
    popularity = np.where(shown, test_set.popularity[top], 0).astype(np.float64)
    bits = np.where(shown, -np.log2(np.maximum(popularity, 0.5) / max(test_set.n_users, 1)), 0.0)
    values = {
        f"novelty@{k}": bits.sum(axis=1) / n_shown,
        f"arp@{k}": popularity.sum(axis=1) / n_shown,
        f"head_share@{k}": (shown & head(test_set.popularity)[top]).sum(axis=1) / n_shown,
    }
    values[f"pop_lift@{k}"] = values[f"arp@{k}"] / test_set.habit
    if (test_set.categories >= 0).any():
        values[f"miscalibration@{k}"] = _miscalibration(test_set, top)
    if len(test_set.tags.values):
        values[f"ild@{k}"] = _diversity(test_set, top)
    return values


def list_properties(
    test_set: TestSet, lists: Int64, k: int, chosen: Bool, values: dict[str, Float64]
) -> dict[str, float]:
    """The properties over the chosen queries; novelty, arp, head_share weigh every slot alike, the others every user.

    coverage@k          distinct items shown / items with history     coverage_catalog@k  … / all items
    gini@k              of exposure over items with history, 0 equal, 1 concentrated
    """
    top = lists[chosen, :k]
    slots = (top >= 0).sum(axis=1).astype(np.float64)
    if not slots.sum():
        return {}
    figures: dict[str, float] = {}
    for name in ("novelty", "arp", "head_share"):
        column = values[f"{name}@{k}"][chosen]
        figures[f"{name}@{k}"] = float(np.nansum(column * slots) / slots.sum())
    for name in ("pop_lift", "ild"):
        column = values.get(f"{name}@{k}", np.full(len(chosen), np.nan))[chosen]
        if not np.isnan(column).all():
            figures[f"{name}@{k}"] = float(np.nanmean(column))
    exposure = np.bincount(top[top >= 0], minlength=len(test_set.item_ids))
    n_known = int((test_set.popularity > 0).sum())
    figures[f"coverage@{k}"] = float((exposure > 0).sum() / max(n_known, 1))
    figures[f"coverage_catalog@{k}"] = float((exposure > 0).sum() / max(test_set.n_catalogue, 1))
    figures[f"gini@{k}"] = gini(exposure[(test_set.popularity > 0) | (exposure > 0)])
    return figures


def gini(exposure: Int64) -> float:
    """Gini index in [0, 1) of non-negative counts, 0 when all are equal."""
    ordered = np.sort(exposure).astype(np.float64)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def serendipity(lists: Int64, usual: Int64, hits: Bool, k: int) -> Float64:
    """Share of the k places that hold a target which is not among the first k of `usual`, shape (n_queries,).

    usual: lists (n_queries, depth) of a primitive recommender, here popular; hits: (n_queries, depth) whether an item
    is a target. Source: Ge, Delgado-Battenfeld & Jannach 2010, doi:10.1145/1864708.1864761; useful is what is a target.
    """
    expected = (lists[:, :k, None] == usual[:, None, :k]).any(axis=2)
    shares: Float64 = (hits[:, :k] & ~expected).sum(axis=1) / k
    return shares


def _miscalibration(test_set: TestSet, top: Int64) -> Float64:
    kinds = np.where(top >= 0, test_set.categories[top], -1)
    width = int(test_set.categories.max()) + 1
    query, rank = np.nonzero(kinds >= 0)
    cells, counts = np.unique(query * width + kinds[query, rank], return_counts=True)
    tastes = test_set.tastes
    wanted = tastes.queries * width + tastes.categories
    at = np.minimum(np.searchsorted(cells, wanted), max(len(cells) - 1, 0))
    shown = np.where(cells[at] == wanted, counts[at], 0) if len(cells) else np.zeros(len(wanted))
    n_shown = np.maximum((kinds >= 0).sum(axis=1), 1)[tastes.queries]
    mixed = (1 - CALIBRATION_SMOOTHING) * shown / n_shown + CALIBRATION_SMOOTHING * tastes.shares
    terms = tastes.shares * np.log(tastes.shares / mixed)
    divergence = np.bincount(tastes.queries, terms, minlength=len(top))
    has_taste = np.bincount(tastes.queries, minlength=len(top)) > 0
    return np.where(has_taste & (top >= 0).any(axis=1), divergence, np.nan)


def _diversity(test_set: TestSet, top: Int64) -> Float64:
    """Mean pairwise 1 - cosine: the pairs' cosines add up to |sum of unit rows|² - n (zero rows count 0)."""
    n_all_tags = int(test_set.tags.values.max()) + 1
    counted = (top >= 0) & test_set.described[top]
    query = np.nonzero(counted)[0]
    tags = test_set.tags.rows(top[counted])
    repeats = tags.lengths
    keys = np.repeat(query, repeats) * n_all_tags + tags.values
    cells, cell = np.unique(keys, return_inverse=True)
    sums = np.bincount(cell, weights=np.repeat(1.0 / np.sqrt(np.maximum(repeats, 1)), repeats), minlength=len(cells))
    squared = np.bincount(cells // n_all_tags, weights=sums**2, minlength=len(top))
    units = np.bincount(query, weights=(repeats > 0).astype(np.float64), minlength=len(top))
    n = counted.sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 1, 1.0 - (squared - units) / (n * (n - 1)), np.nan)
