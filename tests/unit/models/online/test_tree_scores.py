"""Compiled trees score as LightGBM does, to the bit, whatever the trees and whatever is missing."""

from __future__ import annotations

from itertools import pairwise

import lightgbm
import numpy as np
import pytest

from models.data.types import NotFittedError
from models.online.scoring.model_text import UnsupportedTreesError
from models.online.scoring.scorer import online_scorer, tree_sums
from models.online.scoring.tree_arrays import TreeArrays, rounded_down
from models.rankers.lightgbm import LightGbm

N_FEATURES = 9
FLOAT32_TINY = float(np.float32(1e-35))
KINDS: dict[str, dict[str, object]] = {
    "2 leaves": {"num_leaves": 2},
    "11 leaves": {"num_leaves": 11},
    "16 leaves": {"num_leaves": 16, "min_data_in_leaf": 3},
    "17 leaves": {"num_leaves": 17, "min_data_in_leaf": 3},
    "64 leaves": {"num_leaves": 64, "min_data_in_leaf": 3},
    "65 leaves": {"num_leaves": 65, "min_data_in_leaf": 3},
    "200 leaves": {"num_leaves": 200, "min_data_in_leaf": 2},
    "zero is missing": {"num_leaves": 11, "zero_as_missing": True},
    "zero is missing, 80 leaves": {"num_leaves": 80, "min_data_in_leaf": 2, "zero_as_missing": True},
    "nothing is missing": {"num_leaves": 11, "use_missing": False},
}


def rows(n: int, rng: np.random.Generator) -> np.ndarray:
    """Features of many kinds: reals, whole numbers, zeros, missing ones; column 0 is never missing."""
    features = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    features[:, 2:4] = rng.integers(0, 4, (n, 2))
    features[:, 4] *= rng.random(n) < 0.5
    features[:, 5:8][rng.random((n, 3)) < 0.3] = np.nan
    return features


def grown(options: dict[str, object], seed: int, n_trees: int = 12) -> str:
    rng = np.random.default_rng(seed)
    features = rows(800, rng)
    signal = np.nan_to_num(features, nan=0.4)
    target = signal[:, 0] + signal[:, 2] * signal[:, 5] - np.abs(signal[:, 4]) + rng.normal(size=800) / 3
    base = {"objective": "regression", "verbosity": -1, "num_threads": 1, "deterministic": True, "seed": seed}
    base |= {"min_data_in_leaf": 20, "feature_fraction": 0.7, "boost_from_average": False, "learning_rate": 0.3}
    return str(lightgbm.train(base | options, lightgbm.Dataset(features, target), n_trees).model_to_string())


@pytest.fixture(scope="module")
def models() -> dict[str, list[str]]:
    return {kind: [grown(options, seed) for seed in (1, 2)] for kind, options in KINDS.items()}


def ranker_of(models: list[str]) -> LightGbm:
    names = ("inverse_rank:a", "inverse_rank:b", *(f"f{number}" for number in range(2, N_FEATURES)))
    empty = np.zeros((0, N_FEATURES), np.float32)
    ranker = LightGbm().fit(empty, empty[:, 0], np.zeros(0, np.int32), names)
    ranker.models_ = models
    return ranker


def hostile(models: list[str], n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows with everything that comparisons can go wrong with, thresholds themselves first of all."""
    features = rows(n, rng)
    thresholds = TreeArrays.of(models).node_thresholds
    near = rng.choice(thresholds, features.shape) if len(thresholds) else features
    near = np.where(rng.random(near.shape) < 0.3, np.nextafter(near, np.float32(np.inf)), near)
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, -1e-35, 1e-40, -3e-36, 2e-35, 3.4e38], np.float32)
    choice = rng.random(features.shape)
    return np.where(choice < 0.2, near, np.where(choice < 0.4, rng.choice(odd, features.shape), features)).astype(
        np.float32
    )


def by_lightgbm(models: list[str], features: np.ndarray) -> np.ndarray:
    total = np.zeros(len(features))
    for model in models if len(features) else ():
        total += lightgbm.Booster(model_str=model).predict(features, raw_score=True, num_threads=1)
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_sums_are_lightgbms_to_the_bit(kind, models):
    rng = np.random.default_rng(7)
    trees = TreeArrays.of(models[kind])
    for n_rows in (0, 1, 2, 63, 255, 256, 257, 600):
        features = hostile(models[kind], n_rows, rng)
        assert tree_sums(trees, features).tobytes() == by_lightgbm(models[kind], features).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_many_small_requests_score_as_the_ranker_does(kind, models):
    rng = np.random.default_rng(8)
    ranker = ranker_of(models[kind])
    features = hostile(models[kind], 3000, rng)
    features[:, :2] = np.abs(rng.random((3000, 2)))
    expected, score = ranker.score(features), online_scorer(ranker)
    cuts = np.sort(rng.integers(0, 3000, 99))
    for start, stop in pairwise([0, *cuts.tolist(), 3000]):
        assert score(features[start:stop]).tobytes() == expected[start:stop].tobytes()


def test_kinds_of_models_take_the_kernel_that_fits_them(models):
    assert TreeArrays.of(models["16 leaves"]).node_masks.dtype == np.uint16
    assert TreeArrays.of(models["17 leaves"]).node_masks.dtype == np.uint64
    assert TreeArrays.of(models["64 leaves"]).node_masks.dtype == np.uint64
    walked = TreeArrays.of(models["200 leaves"])
    assert len(walked.node_masks) == 0
    assert walked.node_children.shape == (len(walked.node_columns), 2)


def test_masks_by_hand():
    # the root sends f0 <= 1 to leaf 0, else node 1: f1 <= 2 to leaf 2, else leaf 1; from left to right 0, 2, 1
    text = (
        "tree\nnum_tree_per_iteration=1\nmax_feature_idx=1\n\nTree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 1\n"
        "threshold=1 2\ndecision_type=2 8\nleft_child=-1 -3\nright_child=1 -2\nleaf_value=10 20 30\nis_linear=0\n\n"
        "end of trees\n"
    )
    trees = TreeArrays.of([text])
    assert [f"{mask:016b}" for mask in trees.node_masks.tolist()] == ["1" * 15 + "0", "1" * 14 + "01"]
    assert trees.leaf_values.tolist() == [10, 30, 20]
    assert trees.column_fills.tolist() == [0, 2]  # missing is 0 at the root; NaN goes right at the other
    features = np.array([[1, 9], [2, 2], [2, 3], [np.nan, 9], [2, np.nan]], dtype=np.float32)
    assert tree_sums(trees, features).tolist() == [10, 30, 20, 10, 20]


def test_thresholds_are_rounded_down_so_that_no_comparison_changes():
    thresholds = np.array([0.1, -0.1, 1.0, 1e300, -1e300, FLOAT32_TINY, 0.0, np.inf])
    rounded = rounded_down(thresholds)
    assert rounded[2] == 1.0
    assert rounded[3] == np.finfo(np.float32).max
    for threshold, below in zip(thresholds, rounded, strict=True):
        with np.errstate(over="ignore"):
            values = np.array([below, np.nextafter(below, np.float32(np.inf)), -np.inf, np.inf], dtype=np.float32)
        assert ((values <= below) == (values.astype(np.float64) <= threshold)).all()


def test_trees_are_made_of_their_arrays_alone_even_read_only_ones(models):
    trees, features = TreeArrays.of(models["11 leaves"]), rows(300, np.random.default_rng(1))
    arrays = {name: array.copy() for name, array in trees.arrays().items()}
    for array in (*arrays.values(), features):
        array.setflags(write=False)
    again = TreeArrays.of_arrays(arrays)
    assert tree_sums(again, features).tobytes() == tree_sums(trees, features).tobytes()


def test_a_model_that_found_nothing_to_split_is_a_leaf():
    features = np.zeros((50, N_FEATURES), np.float32)
    options = {"objective": "regression", "verbosity": -1, "num_threads": 1}
    model = lightgbm.train(options, lightgbm.Dataset(features, np.full(50, 3.0)), 2).model_to_string()
    assert tree_sums(TreeArrays.of([model]), features).tobytes() == by_lightgbm([model], features).tobytes()


def test_categorical_and_linear_trees_are_left_to_lightgbm():
    rng = np.random.default_rng(2)
    features = rows(400, rng)
    target = (features[:, 2] == 1) + features[:, 0]
    for options, parameters in (
        ({"categorical_feature": [2]}, {}),
        ({"params": {"linear_tree": True}}, {"linear_tree": True}),
    ):
        data = lightgbm.Dataset(features, target, **options)
        base = {"objective": "regression", "verbosity": -1, "num_threads": 1, "min_data_per_group": 5}
        model = lightgbm.train(base | parameters, data, 3).model_to_string()
        with pytest.raises(UnsupportedTreesError):
            TreeArrays.of([model])
        ranker = ranker_of([model])
        assert online_scorer(ranker)(features).tobytes() == ranker.score(features).tobytes()


def test_rows_of_another_width_are_refused(models):
    with pytest.raises((lightgbm.basic.LightGBMError, IndexError)):
        online_scorer(ranker_of(models["11 leaves"]))(np.zeros((3, N_FEATURES - 1), np.float32))


def test_unfitted_has_no_plan():
    with pytest.raises(NotFittedError, match="lightgbm"):
        LightGbm().score_plan()
