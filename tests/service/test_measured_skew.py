"""Skew: recorded features are those of the offline tables; a planted difference is found and blocks releases."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from features.states.candidate_features import NAMES
from flows.recorded.measured_skew import measure, skew_refusal
from models.flight.skew import feature_skew
from services.recorder.flight import FlightRecorder
from tests.support.flown import flights, recommender_of, some_users
from tests.support.small_release import offline_lookup, release


def test_shares_and_greatest_differences_of_each_feature():
    nan = math.nan
    recorded = np.array([[1, 5, nan], [2, 5, nan], [3, 5, 1], [4, 5, nan]], dtype=np.float32)
    offline = np.array([[1, 5, nan], [2.5, 5, nan], [3, 5.00001, nan], [4, 5, nan]], dtype=np.float32)
    lines = {line.name: (line.share, line.greatest) for line in feature_skew(("a", "b", "c"), recorded, offline)}
    assert lines["a"] == (0.25, 0.5)
    assert lines["b"][0] == 0.0
    assert lines["c"] == (0.25, math.inf)
    assert [line.name for line in feature_skew(("a", "b", "c"), recorded, offline)] == ["c", "a", "b"]
    assert feature_skew(("a",), np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32))[0].share == 0


@pytest.fixture
def recorded(made, settings):
    """A live release with 20 recorded answers, and a project of the same data; planted: changes features first."""

    def record(planted=lambda features: features):
        release(made, settings, "r1")
        recorder = FlightRecorder(settings)
        for one in flights(made, recommender_of(made), some_users(made, 20)):
            planted(one.answer.features)
            recorder.record(one)
        recorder.close()
        return SimpleNamespace(
            data_until=lambda: made.at,
            events_through=lambda: 0,
            offline_lookup=lambda _: offline_lookup(made.folder, made.catalogue),
        )

    return record


def test_recorded_features_are_those_of_the_offline_tables(recorded, settings):
    report = measure(recorded(), settings)
    assert (report.release, report.n_records, report.n_rows) == ("r1", 20, 200)
    assert [one.share for one in report.features] == [0.0] * len(NAMES)
    assert report.blocked is None
    assert report.lines()[1] == "no feature differs"
    assert skew_refusal(settings) is None


def test_a_planted_skew_is_found_and_blocks_the_next_release(recorded, settings):
    def plant(features):
        features[:, features.shape[1] - len(NAMES) + NAMES.index("item_trend")] += 0.5

    report = measure(recorded(plant), settings)
    worst = report.features[0]
    assert worst.name == "item_trend"
    assert worst.share == pytest.approx(1.0, abs=0.2)  # unknown values stay unknown
    assert worst.greatest == pytest.approx(0.5, abs=1e-4)
    assert all(one.share == 0 for one in report.features[1:])
    assert report.blocked.startswith("features of answers differ from those that the ranker learns from: item_trend")
    assert skew_refusal(settings) == report.blocked


def test_without_records_nothing_is_compared_and_nothing_blocked(made, settings):
    release(made, settings, "r1")
    project = SimpleNamespace(data_until=lambda: made.at, events_through=lambda: 0)
    report = measure(project, settings)
    assert (report.release, report.blocked) == (None, None)
    assert skew_refusal(settings) is None
