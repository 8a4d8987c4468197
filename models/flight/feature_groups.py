"""Groups of the ranker's features, in words that a person understands; every feature is in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Float64, Int64
from models.ranking.features import IDLE, N_HISTORY, RANK_PREFIX, SCORE_PREFIX

LATELY = "how often the item was chosen lately"
EVER = "how often the item was chosen in all"
WHEN_SEEN = "how often the item is chosen when it is seen"
NEWNESS = "how new the item is"
PRICE = "the item's price, and what the user pays"
VALUES = "how the item is rated, and how the user rates"
CATEGORY = "how often the user chooses the item's category"
ACTIVITY = "how active the user is"
HISTORY = "how long the user's history is, and how old"
AGREEMENT = "how many retrievers propose the item"
PROPOSED = "where {retriever} places the item"
OTHER = "other features"

_group_of = {
    IDLE: HISTORY,
    N_HISTORY: HISTORY,
    "n_retrievers": AGREEMENT,
    "user_positive_7d": ACTIVITY,
    "user_positive_90d": ACTIVITY,
    "user_n_positive": ACTIVITY,
    "user_positive_rate": ACTIVITY,
    "user_click_rate": ACTIVITY,
    "user_mean_value": VALUES,
    "user_days_since_last": ACTIVITY,
    "user_days_since_first": ACTIVITY,
    "user_trend": ACTIVITY,
    "item_positive_7d": LATELY,
    "item_positive_90d": LATELY,
    "item_n_positive": EVER,
    "item_positive_rate": WHEN_SEEN,
    "item_click_rate": WHEN_SEEN,
    "item_mean_value": VALUES,
    "item_days_since_last": LATELY,
    "item_days_since_first": NEWNESS,
    "item_trend": LATELY,
    "item_age_days": NEWNESS,
    "item_log_price": PRICE,
    "category_positive_7d": CATEGORY,
    "category_positive_90d": CATEGORY,
    "category_share": CATEGORY,
    "category_share_90d": CATEGORY,
    "category_mean_value": CATEGORY,
    "category_days_since_last": CATEGORY,
    "price_gap": PRICE,
    "value_gap": VALUES,
}


def group_of(feature: str) -> str:
    """The group of a feature."""
    for prefix in (RANK_PREFIX, SCORE_PREFIX):
        if feature.startswith(prefix):
            return PROPOSED.format(retriever=feature.removeprefix(prefix))
    return _group_of.get(feature, OTHER)


def groups_of(features: Sequence[str]) -> tuple[tuple[str, ...], Int64]:
    """The distinct groups of some features, in order of appearance, and (n_features,) the index of each one's group."""
    names = [group_of(feature) for feature in features]
    groups = tuple(dict.fromkeys(names))
    index = {group: number for number, group in enumerate(groups)}
    return groups, np.array([index[name] for name in names], dtype=np.int64)


def summed(values: Float64, index: Int64, n_groups: int) -> Float64:
    """(n_rows, n_groups) sums of (n_rows, n_features) values over the features of each group."""
    sums = np.zeros((len(values), n_groups))
    for column, group in enumerate(index.tolist()):
        sums[:, group] += values[:, column]
    return sums
