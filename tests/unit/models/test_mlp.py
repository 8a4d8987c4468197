"""The mlp ranker: probabilities that hold, outcomes with weights, and what the examples tell of each outcome."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from models.data.types import Candidates
from models.data.vocabulary import Vocabulary
from models.rankers.mlp import Mlp, MlpParams
from models.ranking.calibration import platt
from models.ranking.examples import Examples, Outcomes, events_of, joined, load_parts, save_part
from models.ranking.ranker_data import RankerData
from models.ranking.training import Params, train_ranker

NAMES = ("inverse_rank:a", "x", "y")


def world(seed: int, n_queries: int = 400, size: int = 25):
    """A click is likelier where |x| is great, which no straight line tells; of those clicked, y tells who buys."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_queries * size, 3)).astype(np.float32)
    features[:, 0] = 1.0
    click = rng.random(len(features)) < 1 / (1 + np.exp(4 - 2 * np.abs(features[:, 1])))
    buy = click & (rng.random(len(features)) < 1 / (1 + np.exp(-3 * features[:, 2])))
    return features, click, buy, np.full(n_queries, size, dtype=np.int32)


def test_what_is_called_probable_happens_as_often():
    features, click, _, groups = world(1, n_queries=1600)
    ranker = Mlp().fit(features, click.astype(np.float32), groups, NAMES)
    asked, happened, _, _ = world(2, n_queries=1200)
    said = ranker.probabilities(asked)[:, 0]
    for tenth in np.array_split(np.argsort(said, kind="stable"), 10):
        error = np.sqrt(said[tenth].mean() * (1 - said[tenth].mean()) / len(tenth))
        assert abs(happened[tenth].mean() - said[tenth].mean()) < max(0.02, 3 * error)
    assert said.max() - said.min() > 0.3  # and not by saying the mean of everything
    assert ranker.score(asked) == pytest.approx(said, rel=1e-6)


def test_weights_say_which_outcome_the_order_follows():
    features, click, buy, groups = world(3)
    events, told = {"click": click, "buy": buy}, (click.astype(np.float32),)
    asked, clicked, bought, _ = world(4)

    def found(weights: dict[str, float], happened: np.ndarray) -> float:
        ranker = Mlp(MlpParams(weights=weights)).fit_events(features, *told, events, groups, NAMES)
        return float(happened[np.argsort(-ranker.score(asked), kind="stable")[:1000]].mean())

    assert found({"buy": 1}, bought) > 1.15 * found({"click": 1}, bought)
    assert found({"click": 1, "buy": 0}, clicked) > found({"buy": 1}, clicked)


def test_a_weight_of_an_unknown_event_names_those_there_are():
    features, click, buy, groups = world(3, 10)
    with pytest.raises(UserError, match=r"ranker.mlp.weights names \['bying'\].*\['buy', 'click'\]"):
        Mlp(MlpParams(weights={"bying": 1, "click": 1})).fit_events(
            features, click.astype(np.float32), {"click": click, "buy": buy}, groups, NAMES
        )


def test_platt_finds_the_slope_and_the_shift_of_odds_that_were_told_wrong():
    rng = np.random.default_rng(5)
    told = rng.normal(0, 2, 200_000)
    labels = (rng.random(len(told)) < 1 / (1 + np.exp(-(0.5 * told - 1)))).astype(np.float64)
    assert platt(told, labels) == pytest.approx((0.5, -1.0), abs=0.03)
    assert platt(told[:5], np.zeros(5)) == (1.0, 0.0)
    # nothing to tell them apart: 1 of 3, by Platt's targets (2/3 + 2 · 1/4) / 3 = 7/18
    slope, shift = platt(np.zeros(3), np.array([1.0, 0.0, 0.0]))
    assert 1 / (1 + np.exp(-shift)) == pytest.approx(7 / 18)


def test_a_hit_is_of_every_kind_that_its_user_did_with_the_item(tmp_path):
    # u0: a clicked and bought, b clicked; u1: a clicked, and cancelled, which is no positive; b never
    rows = [("u0", "a", "click"), ("u0", "a", "buy"), ("u0", "b", "click"), ("u1", "a", "click"), ("u1", "a", "cancel")]
    part = pl.DataFrame(rows, schema=["user_id", "item_id", "event"], orient="row")
    query, item = np.array([0, 0, 1, 1], dtype=np.int32), np.array([0, 1, 0, 1], dtype=np.int32)
    ranks = np.ones((4, 1), dtype=np.int32)
    candidates = Candidates(retrievers=("r",), query=query, item=item, scores=ranks.astype(np.float32), ranks=ranks)
    labels, users = np.array([1, 1, 1, 0], dtype=np.float32), np.array(["u0", "u1"])
    events = events_of(candidates, labels, users, part, Vocabulary(["a", "b"]))
    expected = {"buy": [True, False, False, False], "click": [True, True, True, False]}
    assert {kind: marks.tolist() for kind, marks in events.items()} == expected
    two = np.array([1, 2])
    common = {
        "user_ids": users,
        "at": two,
        "n_targets": two,
        "candidates": candidates,
        "labels": labels,
        "live": two > 5,
        "asked": np.zeros((2, 2), np.float32),
    }
    whole, plain = Examples(**common, events=events), Examples(**common)
    for number, part in enumerate([plain, whole]):
        save_part(part, tmp_path, number)
    again = joined([Outcomes.of(part) for part in load_parts(tmp_path)]).events
    assert {kind: marks.tolist() for kind, marks in again.items()} == {
        kind: [False] * 4 + marks for kind, marks in expected.items()
    }


def test_the_outcomes_of_the_section_reach_the_ranker_that_ships():
    features, click, buy, groups = world(6, 150)
    users = np.array([f"u{place}" for place in range(len(groups))])
    n_targets = np.add.reduceat(click, np.cumsum(groups) - groups).astype(np.int64)
    params = Params(name="mlp", folds=2, min_queries=50, mlp={"weights": {"buy": 1, "click": 1}, "epochs": 3})
    data = RankerData(
        features=features,
        labels=click.astype(np.float32),
        groups=groups,
        n_targets=n_targets,
        user_ids=users,
        live=np.ones(len(groups), dtype=np.bool_),
        names=NAMES,
        events={"click": click, "buy": buy},
    )
    trained = train_ranker(data, params)
    assert trained.name == "mlp"
    assert trained.ranker.outcomes_ == ["buy", "click"]
