"""Features of a candidate from the states of its user, its item and their pair, decayed to the query's instant."""

from __future__ import annotations

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, Float32, Float64, Int64
from features.states.aggregates import POSITION, WINDOWS_DAYS

NAMES: tuple[str, ...] = (
    "user_positive_7d",  # log(1 + soft count of the window)
    "user_positive_90d",
    "user_n_positive",  # log(1 + count)
    "user_positive_rate",  # of all events but impressions
    "user_click_rate",  # positives an impression, where impressions are known
    "user_mean_value",
    "user_days_since_last",
    "user_days_since_first",
    "user_trend",  # log ratio of the week's rate to the quarter's
    "item_positive_7d",
    "item_positive_90d",
    "item_n_positive",
    "item_positive_rate",
    "item_click_rate",
    "item_mean_value",
    "item_days_since_last",
    "item_days_since_first",
    "item_trend",
    "item_age_days",  # since created_at
    "item_log_price",
    "category_positive_7d",  # of this user, in the item's category
    "category_positive_90d",
    "category_share",  # of the user's positives, over all time and over the quarter
    "category_share_90d",
    "category_mean_value",
    "category_days_since_last",
    "price_gap",  # log price less the user's mean log price
    "value_gap",  # the item's mean value less the user's
)
MIN_TREND = 1e-6  # longer pauses count as this one
UNKNOWN_TIME = np.iinfo(np.int64).min


def candidate_features(
    user: Float64, item: Float64, pair: Float64, at: Int64, price: Float32, created_at: Int64
) -> Float32:
    """(n_rows, len(NAMES)) float32, NaN where unknown; counts of an unknown key are 0.

    user, item, pair: (n_rows, len(STATE)), rows of NaN where there is no state; at: (n_rows,) µs, not before any
    known_at; price: NaN where unknown; created_at: µs, UNKNOWN_TIME where unknown.
    """
    instant = at.astype(np.float64)
    names = _Columns(len(at))
    with np.errstate(divide="ignore", invalid="ignore"):
        soft = {}
        for who, state in (("user", user), ("item", item), ("category", pair)):
            soft[who] = _decayed(state, instant)
            names.put(f"{who}_positive_7d", np.log1p(soft[who][:, 0]))
            names.put(f"{who}_positive_90d", np.log1p(soft[who][:, 1]))
            names.put(f"{who}_mean_value", _ratio(_of(state, "sum_value"), _of(state, "n_value")))
            names.put(f"{who}_days_since_last", _days(instant, _of(state, "last_at")))
        for who, state in (("user", user), ("item", item)):
            positive = np.nan_to_num(_of(state, "n_positive"))
            names.put(f"{who}_n_positive", np.log1p(positive))
            names.put(f"{who}_positive_rate", _ratio(positive, _of(state, "n_events")))
            names.put(f"{who}_click_rate", _ratio(positive, _of(state, "n_impressions")))
            names.put(f"{who}_days_since_first", _days(instant, _of(state, "first_at")))
            week, quarter = soft[who][:, 0] / WINDOWS_DAYS[0], soft[who][:, 1] / WINDOWS_DAYS[1]
            names.put(f"{who}_trend", np.where(quarter > 0, np.log(np.fmax(week / quarter, MIN_TREND)), np.nan))
        log_price = np.log1p(price.astype(np.float64))
        born = np.where(created_at == UNKNOWN_TIME, np.nan, created_at.astype(np.float64))
        names.put("item_age_days", _days(instant, born))
        names.put("item_log_price", log_price)
        names.put("category_share", _ratio(np.nan_to_num(_of(pair, "n_positive")), _of(user, "n_positive")))
        names.put("category_share_90d", _ratio(soft["category"][:, 1], soft["user"][:, 1]))
        names.put("price_gap", log_price - _ratio(_of(user, "sum_log_price"), _of(user, "n_price")))
        names.put("value_gap", names.get("item_mean_value") - names.get("user_mean_value"))
    return names.matrix.astype(np.float32)


class _Columns:
    """A matrix that is filled by name."""

    def __init__(self, n_rows: int) -> None:
        self.matrix = np.full((n_rows, len(NAMES)), np.nan)

    def put(self, name: str, column: Float64) -> None:
        self.matrix[:, _place[name]] = column

    def get(self, name: str) -> Float64:
        return self.matrix[:, _place[name]]


_place = {name: position for position, name in enumerate(NAMES)}
_widths = np.array(WINDOWS_DAYS, dtype=np.float64) * MICROSECONDS_A_DAY


def _of(state: Float64, name: str) -> Float64:
    return np.ascontiguousarray(state[:, POSITION[name]])


def _decayed(state: Float64, instant: Float64) -> Float64:
    """(n_rows, 2): the soft counts at the instant."""
    gap = np.fmax(instant - _of(state, "known_at"), 0.0)
    return np.nan_to_num(state[:, :2]) * np.exp(-gap[:, None] / _widths)


def _ratio(above: Float64, below: Float64) -> Float64:
    return np.where(below > 0, above / below, np.nan)


def _days(instant: Float64, since: Float64) -> Float64:
    return (instant - since) / MICROSECONDS_A_DAY
