"""Compiled merge of the retrievers' lists, and the features of the candidates, in one pass each."""

from __future__ import annotations

import math

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, Float32, Float64, Int32, Int64
from features.states.aggregates import WINDOWS_DAYS
from features.states.candidate_features import MIN_TREND, UNKNOWN_TIME
from models.online.kernel_cache import kernel

DAY = float(MICROSECONDS_A_DAY)
WEEK, QUARTER = (float(days) for days in WINDOWS_DAYS)


@kernel("int64(int32[::1], float32[::1], int64[::1], int32[::1], int32[::1], float32[:,::1], int32[:,::1])")
def merge(
    hits: Int32,
    hit_scores: Float32,
    ends: Int64,
    row_of_item: Int32,
    items: Int32,
    scores: Float32,
    ranks: Int32,
) -> int:
    """Candidates of all retrievers, ascending by item; returns their number.

    hits, hit_scores: (n_hits,) the lists, one after the other; ends: (n_retrievers,) where each ends; row_of_item:
    (n_items,) scratch, -1 before and after; items, scores, ranks: at least n_hits rows; NaN and 0 where not offered.
    """
    n = 0
    for hit in range(ends[-1] if len(ends) else 0):
        if row_of_item[hits[hit]] < 0:
            row_of_item[hits[hit]] = 0
            items[n] = hits[hit]
            n += 1
    items[:n].sort()
    for row in range(n):
        row_of_item[items[row]] = row
        for column in range(len(ends)):
            scores[row, column] = np.nan
            ranks[row, column] = 0
    start = 0
    for column in range(len(ends)):
        for hit in range(start, ends[column]):
            row = row_of_item[hits[hit]]
            scores[row, column] = hit_scores[hit]
            ranks[row, column] = hit - start + 1
        start = ends[column]
    for row in range(n):
        row_of_item[items[row]] = -1
    return n


@kernel("float64(float64, float64)")
def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else np.nan


@kernel("float64(float64)")
def _known(value: float) -> float:
    return 0.0 if np.isnan(value) else value


@kernel("void(float64[::1], float64, float64[::1])")
def _of_state(state: Float64, instant: float, out: Float64) -> None:
    """The nine features that users and items have alike, then the two soft counts.

    positive_7d, positive_90d, n_positive, positive_rate, click_rate, mean_value, days_since_last, days_since_first,
    trend, soft_7d, soft_90d; state: (len(STATE),).
    """
    gap = instant - state[11]
    if np.isnan(gap) or gap < 0.0:
        gap = 0.0
    week = _known(state[0]) * math.exp(-gap / (WEEK * DAY))
    quarter = _known(state[1]) * math.exp(-gap / (QUARTER * DAY))
    positive = _known(state[3])
    out[0], out[1], out[2] = math.log1p(week), math.log1p(quarter), math.log1p(positive)
    out[3], out[4] = _ratio(positive, state[2]), _ratio(positive, state[4])
    out[5] = _ratio(state[6], state[5])
    out[6], out[7] = (instant - state[10]) / DAY, (instant - state[9]) / DAY
    out[8] = np.nan
    if quarter > 0:
        out[8] = math.log(max((week / WEEK) / (quarter / QUARTER), MIN_TREND))
    out[9], out[10] = week, quarter


@kernel(
    "void(int32[::1], float32[:,::1], int32[:,::1], float64, float64, float64, float64[::1], float64[:,::1], "
    "int32[::1], float64[:,::1], int32[::1], float32[::1], int64[::1], int32[::1], float32[:,::1])"
)
def features(
    items: Int32,
    scores: Float32,
    ranks: Int32,
    idle_days: float,
    n_history: float,
    instant: float,
    user: Float64,
    states: Float64,
    codes: Int32,
    pairs: Float64,
    touched_codes: Int32,
    prices: Float32,
    created_at: Int64,
    pair_of_code: Int32,
    out: Float32,
) -> None:
    """Fills `out` (n, n_features) in the order of `ranking.features.feature_names` with the lookup's names.

    items: (n,); scores, ranks: (n, n_retrievers); user: (len(STATE),); states: (n_items, len(STATE)); codes, prices,
    created_at: (n_items,); touched_codes, pairs: of the categories that the user's history touches; pair_of_code:
    (n_categories + 1,) scratch, -1 before and after. Within an ulp of `features.states.candidate_features`.
    """
    n, n_retrievers = ranks.shape
    base = 2 * n_retrievers + 3
    scales = np.zeros(n_retrievers, dtype=np.float32)
    for row in range(n):
        for column in range(n_retrievers):
            if ranks[row, column] > 0:
                size = abs(scores[row, column])
                if size > scales[column]:
                    scales[column] = size
    of_user, of_item, of_pair = np.empty(11), np.empty(11), np.empty(11)
    _of_state(user, instant, of_user)
    user_log_price = _ratio(user[8], user[7])
    by_pair = np.full((len(touched_codes), 6), np.nan)
    nothing = np.full(12, np.nan)
    unknown = np.empty(6)
    for place in range(len(touched_codes) + 1):
        state = pairs[place] if place < len(touched_codes) else nothing
        _of_state(state, instant, of_pair)
        row_of_pair = by_pair[place] if place < len(touched_codes) else unknown
        row_of_pair[0], row_of_pair[1] = of_pair[0], of_pair[1]
        row_of_pair[2] = _ratio(_known(state[3]), user[3])
        row_of_pair[3] = _ratio(of_pair[10], of_user[10])
        row_of_pair[4], row_of_pair[5] = of_pair[5], of_pair[6]
        if place < len(touched_codes):
            pair_of_code[touched_codes[place] + 1] = place
    for row in range(n):
        item = items[row]
        count = 0
        for column in range(n_retrievers):
            rank = ranks[row, column]
            if rank > 0:
                count += 1
                out[row, column] = np.float32(1.0 / rank)
                scale = scales[column] if scales[column] > 0 else np.float32(1.0)
                out[row, n_retrievers + column] = scores[row, column] / scale
            else:
                out[row, column] = 0.0
                out[row, n_retrievers + column] = np.nan
        out[row, base - 3], out[row, base - 2], out[row, base - 1] = count, idle_days, n_history
        _of_state(states[item], instant, of_item)
        for column in range(9):
            out[row, base + column] = of_user[column]
            out[row, base + 9 + column] = of_item[column]
        out[row, base + 18] = np.nan
        if created_at[item] != UNKNOWN_TIME:
            out[row, base + 18] = (instant - created_at[item]) / DAY
        log_price = math.log1p(np.float64(prices[item]))
        out[row, base + 19] = log_price
        pair = pair_of_code[codes[item] + 1]
        of_this_pair = by_pair[pair] if pair >= 0 else unknown
        for column in range(6):
            out[row, base + 20 + column] = of_this_pair[column]
        out[row, base + 26] = log_price - user_log_price
        out[row, base + 27] = of_item[5] - of_user[5]
    for code in touched_codes:
        pair_of_code[code + 1] = -1
