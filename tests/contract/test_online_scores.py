"""Every ranker scores one query online as its `score` does, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from models.online.scoring.scorer import online_scorer
from models.rankers.horizons import Horizons
from models.ranking.newcomers import NewcomersInOrder
from models.ranking.ranker_plans import plan_of
from models.registry import load_ranker, part_names
from models.single_query.score_plans import AnyScores, BySide

RANKS = ("inverse_rank:a", "inverse_rank:b", "inverse_rank:c")
NAMES = (*RANKS, "score:a", "score:b", "n_retrievers", "idle_days", "n_history", "age", "price")
IDLE, N_HISTORY = NAMES.index("idle_days"), NAMES.index("n_history")
N_REQUESTS = 1000

rankers = pytest.mark.parametrize("name", part_names("ranker"))


def candidates(n: int, rng: np.random.Generator) -> np.ndarray:
    """The rows of one query; one in eight is a newcomer's, half are in session."""
    features = np.zeros((n, len(NAMES)), dtype=np.float32)
    ranks = rng.integers(0, 100, (n, 3))
    features[:, :3] = np.where(ranks > 0, 1.0 / np.maximum(ranks, 1), 0.0)
    features[:, 3:5] = np.where(ranks[:, :2] > 0, rng.normal(size=(n, 2)), np.nan)
    features[:, 5] = (ranks > 0).sum(axis=1)
    n_events = rng.integers(1, 60) * (rng.random() > 0.125)
    features[:, IDLE] = (0.01 if rng.random() < 0.5 else 9.0) if n_events else np.nan
    features[:, N_HISTORY] = np.log1p(n_events)
    features[:, 8:] = rng.normal(size=(n, 2))
    return features


def hostile(n: int, rng: np.random.Generator) -> np.ndarray:
    """With values that do not happen, in columns that are not ranks, and rows of different users."""
    features = candidates(n, rng)
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, 3e38, 0.5], dtype=np.float32)
    places = rng.random(features.shape) < 0.2
    places[:, :3] = False
    return np.where(places, rng.choice(odd, features.shape), features).astype(np.float32)


def examples(n_queries: int = 50, size: int = 30):
    rng = np.random.default_rng(3)
    features = np.concatenate([candidates(size, rng) for _ in range(n_queries)])
    labels = (features[:, 0] + features[:, 8] / 2 + rng.random(len(features)) > 1.2).astype(np.float32)
    return features, labels, np.full(n_queries, size, dtype=np.int32)


@pytest.fixture(scope="module")
def fitted():
    grown = {"n_trees": 20, "min_data_in_leaf": 10, "n_seeds": 2, "threads": 1}
    params = {
        "mlp": {"epochs": 1},
        "lightgbm": grown,
        "horizons": {"in_session": grown, "returning": grown | {"num_leaves": 20}},
    }
    made = {}
    for name in part_names("ranker"):
        part = load_ranker(name)
        made[name] = part(part.Params.model_validate(params.get(name, {}))).fit(*examples(), NAMES)
    return made


def same_bits(scores: np.ndarray, expected: np.ndarray) -> bool:
    """NaN is NaN, whatever its sign."""
    one, other = (np.where(np.isnan(values), np.float32(0), values) for values in (scores, expected))
    return one.tobytes() == other.tobytes() and np.array_equal(np.isnan(scores), np.isnan(expected))


@rankers
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_thousand_requests_are_scored_to_the_bit(name, fitted):
    ranker = NewcomersInOrder(fitted[name], NAMES)
    score, rng = online_scorer(ranker), np.random.default_rng(11)
    wrong = []
    for request in range(N_REQUESTS):
        n_rows = int(rng.integers(0, 601)) if request % 20 == 0 else int(rng.integers(0, 25))
        features = (hostile if request % 4 == 0 else candidates)(n_rows, rng)
        scores, expected = score(features), ranker.score(features)
        if scores.dtype != np.float32 or not same_bits(scores, expected):
            wrong.append(request)
    assert wrong == []


@rankers
def test_a_loaded_ranker_scores_the_same(name, fitted, tmp_path):
    features = candidates(500, np.random.default_rng(5))
    fitted[name].save(tmp_path / "ranker")
    loaded = load_ranker(name).load(tmp_path / "ranker")
    assert online_scorer(loaded)(features).tobytes() == fitted[name].score(features).tobytes()


def test_features_are_taken_in_any_layout(fitted):
    ranker, features = fitted["lightgbm"], candidates(300, np.random.default_rng(5))
    expected = ranker.score(features)
    for layout in (np.asfortranarray(features), np.repeat(features, 2, axis=0)[::2]):
        assert online_scorer(ranker)(layout).tobytes() == expected.tobytes()


def test_each_side_has_a_plan_of_its_own_unless_one_serves_both(fitted):
    plan = plan_of(fitted["horizons"])
    assert isinstance(plan, BySide)
    assert plan.column == IDLE
    only = fitted["horizons"].sides_["in_session"]
    assert not isinstance(plan_of(Horizons().of({"in_session": only}, NAMES)), BySide)


def test_a_ranker_without_a_plan_is_asked_by_its_score():
    class ByFirst:
        def score(self, features):
            return features[:, 0]

    features = candidates(20, np.random.default_rng(1))
    assert isinstance(plan_of(ByFirst()), AnyScores)
    assert online_scorer(ByFirst())(features).tobytes() == features[:, 0].tobytes()


def test_newcomers_are_in_the_order_of_the_retrievers_without_asking_the_ranker():
    class Never:
        def score(self, features):
            raise AssertionError("asked")

    features = candidates(20, np.random.default_rng(1))
    features[:, N_HISTORY] = 0
    ranks = np.rint(1 / np.where(features[:, :3] > 0, features[:, :3], np.inf))
    expected = (1 / (60 + ranks) * (features[:, :3] > 0)).sum(axis=1)
    assert online_scorer(NewcomersInOrder(Never(), NAMES))(features) == pytest.approx(expected)
