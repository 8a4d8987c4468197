"""Features by hand from known states."""

from __future__ import annotations

import math

import numpy as np
import pytest

from features.states.aggregates import STATE
from features.states.candidate_features import NAMES, UNKNOWN_TIME, candidate_features

DAY = 86_400_000_000


def state(**values: float) -> np.ndarray:
    return np.array([[values.get(name, np.nan) for name in STATE]], dtype=np.float64)


def features(user=None, item=None, pair=None, at=0, price=np.nan, created_at=UNKNOWN_TIME) -> dict[str, float]:
    nothing = state()
    row = candidate_features(
        nothing if user is None else user,
        nothing if item is None else item,
        nothing if pair is None else pair,
        np.array([at]),
        np.array([price], dtype=np.float32),
        np.array([created_at]),
    )
    assert row.dtype == np.float32
    assert row.shape == (1, len(NAMES))
    return dict(zip(NAMES, row[0].tolist(), strict=True))


USER = state(
    sum_7d=2, sum_90d=3, n_events=10, n_positive=8, n_impressions=40, n_value=4, sum_value=14, n_price=2,
    sum_log_price=2 * math.log(10), first_at=0, last_at=9 * DAY, known_at=10 * DAY,
)  # fmt: skip


def test_counts_decay_to_the_instant_of_the_query():
    found = features(user=USER, at=17 * DAY)
    assert found["user_positive_7d"] == pytest.approx(math.log(1 + 2 * math.exp(-1)))
    assert found["user_positive_90d"] == pytest.approx(math.log(1 + 3 * math.exp(-7 / 90)))
    assert found["user_n_positive"] == pytest.approx(math.log(9))


def test_rates_recency_and_trend():
    found = features(user=USER, at=10 * DAY)
    assert found["user_positive_rate"] == pytest.approx(0.8)
    assert found["user_click_rate"] == pytest.approx(0.2)
    assert found["user_mean_value"] == pytest.approx(3.5)
    assert found["user_days_since_last"] == pytest.approx(1)
    assert found["user_days_since_first"] == pytest.approx(10)
    assert found["user_trend"] == pytest.approx(math.log((2 / 7) / (3 / 90)))


def test_shares_and_gaps():
    item = state(sum_7d=1, sum_90d=1, n_events=1, n_positive=1, n_impressions=0, n_value=1, sum_value=5, known_at=0)
    pair = state(sum_7d=1, sum_90d=1.5, n_positive=2, n_value=1, sum_value=4, last_at=8 * DAY, known_at=10 * DAY)
    found = features(user=USER, item=item, pair=pair, at=10 * DAY, price=99, created_at=4 * DAY)
    assert found["category_share"] == pytest.approx(0.25)
    assert found["category_share_90d"] == pytest.approx(0.5)
    assert found["category_mean_value"] == pytest.approx(4)
    assert found["category_days_since_last"] == pytest.approx(2)
    assert found["price_gap"] == pytest.approx(math.log(100) - math.log(10), rel=1e-6)
    assert found["value_gap"] == pytest.approx(1.5)
    assert found["item_age_days"] == pytest.approx(6)
    assert found["item_log_price"] == pytest.approx(math.log(100))
    assert math.isnan(found["item_click_rate"])


def test_of_the_unknown_counts_are_zero_and_all_else_is_not_a_number():
    found = features(at=DAY)
    counts = {name for name in NAMES if "_positive_" in name and "rate" not in name} | {
        "user_n_positive",
        "item_n_positive",
    }
    assert {name for name, value in found.items() if value == 0} == counts
    assert all(math.isnan(value) for name, value in found.items() if name not in counts)


def test_a_long_sleep_has_a_finite_trend():
    assert math.isfinite(features(user=USER, at=20_000 * DAY)["user_trend"])


def test_names_are_told_apart():
    assert len(set(NAMES)) == len(NAMES)
