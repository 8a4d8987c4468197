"""Raters: what they predict, against hand-computed values, known worlds and the independent splitter."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.arrays import MICROSECONDS_A_DAY
from features.errors import UserError
from features.schema import INTERACTIONS, ITEMS
from flows.project.dataset import Project
from flows.rating.judge_raters import evaluate_ratings
from models.data.types import Catalogue, Ratings
from models.data.vocabulary import Vocabulary
from models.evaluation.rating_accuracy import Predicted, expected_loss, judge_ratings, medians
from models.interfaces import Rater
from models.raters.bayesian_mf import BayesianMf, BayesianMfParams
from models.raters.biases import Biases, BiasesParams
from models.raters.sgd_mf import SgdMf, SgdMfParams
from models.rating.blend import Blend
from models.rating.ratings import make_ratings, split_ratings
from models.rating.temporal_groups import Moments
from models.registry import load_part, part_names

SMALL = {
    "autoencoder": {"hidden": 8, "epochs": 4},
    "bayesian_mf": {"factors": 3, "burn_in": 3, "samples": 5, "implicit_rank": 4},
    "neural": {"factors": 4, "layer": 8, "epochs": 2, "threads": 1},
    "neural_bce": {"factors": 4, "layer": 8, "epochs": 2, "threads": 1},
    "sgd_mf": {"factors": 3, "epochs": 5},
    "svdpp": {"factors": 3, "epochs": 5},
    "trees": {"n_trees": 10, "least_rows": 20, "threads": 1},
}


@pytest.fixture(autouse=True)
def one_compiled_thread():
    """Small worlds: waking a second thread costs more than it brings, much more on a busy machine."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def table(rows: list[tuple]) -> pl.DataFrame:
    """INTERACTIONS from (user, item, day, value)."""
    times = [day * MICROSECONDS_A_DAY for _, _, day, _ in rows]
    frame = pl.DataFrame(
        {
            "user_id": [row[0] for row in rows],
            "item_id": [row[1] for row in rows],
            "timestamp": pl.Series(times, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            "event": pl.Series([None] * len(rows), dtype=pl.String),
            "value": pl.Series([row[3] for row in rows], dtype=pl.Float64),
        }
    )
    return INTERACTIONS.check(frame.with_columns(known_at=pl.col("timestamp")), source="test")


def catalogue_of(n_items: int, vectors: np.ndarray | None = None) -> Catalogue:
    nothing = np.full(n_items, np.nan, dtype=np.float32)
    created = np.full(n_items, np.iinfo(np.int64).min)
    tags = [[f"t{item % 3}"] if item % 5 else [] for item in range(n_items)]
    ids = [f"i{item:04d}" for item in range(n_items)]
    return Catalogue(
        vocabulary=Vocabulary(ids),
        titles=[None] * n_items,
        tags=tags,
        category_names=[],
        categories=np.full(n_items, -1, np.int32),
        prices=nothing,
        created_at=created,
        vectors=vectors,
    )


def low_rank(seed: int, *, n_users: int = 300, n_items: int = 120, share: float = 0.25, noise: float = 0.5) -> Ratings:
    """A world whose values are biases and two factors, and normal noise; rows in a random order."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < share)
    order = rng.permutation(len(users))
    users, items = users[order].astype(np.int32), items[order].astype(np.int32)
    of_users, of_items = rng.standard_normal((n_users, 3)), rng.standard_normal((n_items, 3))
    exact = 3.0 + 0.5 * of_users[users, 2] + 0.5 * of_items[items, 2]
    exact += 0.7 * (of_users[users, :2] * of_items[items, :2]).sum(axis=1)
    values = (exact + noise * rng.standard_normal(len(users))).astype(np.float32)
    times = rng.integers(0, 100 * MICROSECONDS_A_DAY, size=len(users))
    ids = np.array([f"u{user:04d}" for user in range(n_users)])
    return Ratings(
        user_ids=ids,
        users=users,
        items=items,
        values=values,
        times=times,
        weights=np.ones(len(users), dtype=np.float32),
    )


def rmse(rater: Rater, part: Ratings) -> float:
    found = rater.predict(part.users, part.items, part.times)
    return float(np.sqrt(np.mean((found - part.values) ** 2)))


def test_biases_are_the_shrunken_means_of_a_hand_computed_example():
    rows = table([("a", "i0000", 0, 5.0), ("a", "i0001", 0, 3.0), ("b", "i0000", 0, 4.0)])
    ratings = make_ratings(rows, catalogue_of(3).vocabulary)
    params = BiasesParams(item_regularization=1.0, user_regularization=1.0, rounds=1)
    fitted = Biases(params).fit(ratings, catalogue_of(3))
    # mean 4; items: (1 + 0) / (1 + 2) = 1/3 and -1 / (1 + 1) = -1/2; users: (2/3 - 1/2) / 3 = 1/18 and -1/3 / 2 = -1/6
    users, items = np.array([0, 0, 1, 1], dtype=np.int32), np.array([0, 1, 0, 2], dtype=np.int32)
    found = fitted.predict(users, items, np.zeros(4, dtype=np.int64))
    wanted = [4 + 1 / 3 + 1 / 18, 4 - 1 / 2 + 1 / 18, 4 + 1 / 3 - 1 / 6, 4 - 1 / 6]
    assert found == pytest.approx(wanted, abs=1e-6)


def test_an_items_level_of_a_season_is_learned_and_forgotten_elsewhere():
    early = [(f"u{n}", "i0000", 0, 5.0) for n in range(50)] + [(f"u{n}", "i0001", 0, 3.0) for n in range(50)]
    late = [(f"v{n}", "i0000", 90, 1.0) for n in range(50)] + [(f"v{n}", "i0001", 90, 3.0) for n in range(50)]
    ratings = make_ratings(table(early + late), catalogue_of(2).vocabulary)
    fitted = Biases(BiasesParams(item_seasons=2, season_regularization=1.0)).fit(ratings, catalogue_of(2))
    user, item = np.array([0, 0], dtype=np.int32), np.array([0, 0], dtype=np.int32)
    first, last = fitted.predict(user, item, np.array([0, 90 * MICROSECONDS_A_DAY]))
    assert first - last > 2.0


def test_moments_give_a_pair_the_group_of_the_training_rows_around_it():
    rows = [("a", f"i{n:04d}", n, float(n)) for n in range(6)] + [("b", "i0000", 3, 1.0)]
    ratings = make_ratings(table(rows), catalogue_of(6).vocabulary)
    runs = Moments("user_run", 3, ratings)
    assert runs.groups_.tolist() == [0, 0, 0, 1, 1, 1, 2]
    day = MICROSECONDS_A_DAY
    users, items = np.array([0, 0, 0, 1], dtype=np.int32), np.zeros(4, dtype=np.int32)
    times = np.array([0, 2 * day + 1, 100 * day, 4 * day])
    assert runs.groups(users, items, times).tolist() == [0, 1, -1, 2]  # after three full ones a new run begins
    days = Moments("user_day", 1, ratings)
    assert days.groups(users, items, times).tolist() == [0, 2, -1, -1]


def test_matrix_factorisation_recovers_a_low_rank_world():
    ratings, catalogue = low_rank(1, noise=0.1), catalogue_of(120)
    parts = split_ratings(ratings, "random")
    baseline = rmse(Biases().fit(parts.trainval, catalogue), parts.test)
    by_descent = SgdMf(SgdMfParams(factors=4, epochs=60, learning_rate=0.03, regularization=0.01))
    sampled = BayesianMf(BayesianMfParams(factors=4, burn_in=15, samples=15, user_run=0))
    assert baseline > 0.8
    assert rmse(by_descent.fit(parts.trainval, catalogue), parts.test) < 0.35
    assert rmse(sampled.fit(parts.trainval, catalogue), parts.test) < 0.2


def test_bayesian_intervals_hold_about_95_percent_of_the_ratings():
    ratings, catalogue = low_rank(2, share=0.15, noise=0.6), catalogue_of(120)
    parts = split_ratings(ratings, "random", held_out=0.3)
    known = parts.train.rows(np.flatnonzero(parts.train.users != 7))
    fitted = BayesianMf(BayesianMfParams(factors=4, burn_in=20, samples=30)).fit(known, catalogue)
    asked = parts.test
    error = np.abs(fitted.predict(asked.users, asked.items, asked.times) - asked.values)
    deviations = fitted.uncertainty(asked.users, asked.items, asked.times)
    assert 0.92 < (error < 1.96 * deviations).mean() < 0.98
    assert deviations.min() > 0.3 and deviations.std() > 0.01  # noise is never explained away, and pairs differ
    assert deviations[asked.users == 7].mean() > 1.1 * deviations.mean()  # of whom nothing is known


def test_blend_is_no_worse_than_the_best_of_its_raters():
    ratings, catalogue = low_rank(3), catalogue_of(120)
    parts = split_ratings(ratings, "random", held_out=0.2)
    raters = [Biases(), SgdMf(SgdMfParams(factors=4)), BayesianMf(BayesianMfParams(factors=4, burn_in=10, samples=10))]

    def columns(known: Ratings, asked: Ratings) -> np.ndarray:
        return np.column_stack(
            [one.fit(known, catalogue).predict(asked.users, asked.items, asked.times) for one in raters]
        )

    blend = Blend().fit(columns(parts.train, parts.valid), parts.valid.values)
    of_test = columns(parts.trainval, parts.test)
    errors = np.sqrt(((of_test - parts.test.values[:, None]) ** 2).mean(axis=0))
    mixed = np.sqrt(((blend.predict(of_test) - parts.test.values) ** 2).mean())
    assert blend.weights_ is not None and (blend.weights_ >= 0).all()
    assert mixed <= errors.min() * 1.005


def test_blend_solves_its_ridge_regression():
    rng = np.random.default_rng(0)
    columns = rng.standard_normal((500, 2)).astype(np.float32)
    values = (1.0 + columns @ np.array([0.3, 0.6]) + 0.01 * rng.standard_normal(500)).astype(np.float32)
    blend = Blend().fit(columns, values)
    centered, pull = columns - columns.mean(axis=0), 30.0 * np.eye(2)
    wanted = np.linalg.solve(centered.T @ centered + pull, centered.T @ (values - values.mean()) + 15.0)
    assert blend.weights_ == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("name", part_names("rater"))
def test_every_rater_keeps_its_promises(name):
    ratings = low_rank(4, n_users=60, n_items=40)
    ratings = replace(ratings, values=np.clip(np.round(ratings.values), 1, 5).astype(np.float32))
    vectors = np.random.default_rng(0).standard_normal((42, 6)).astype(np.float32)
    catalogue = catalogue_of(42, vectors)  # two items and a user that nobody rated, or that rated nothing
    quiet = ratings.rows(np.flatnonzero(ratings.users != 7))
    part = load_part("rater", name)
    users, items = np.array([0, 7, 7, 3], dtype=np.int32), np.array([0, 1, 41, 40], dtype=np.int32)
    times = np.array([0, 1, 2, 10**15])
    fitted = part(part.Params(**SMALL.get(name, {})))
    assert isinstance(fitted, Rater)
    once = fitted.fit(quiet, catalogue).predict(users, items, times)
    again = fitted.fit(quiet, catalogue).predict(users, items, times)
    assert once.dtype == np.float32 and once.shape == (4,) and np.isfinite(once).all()
    assert np.array_equal(once, again)
    alone = np.concatenate([fitted.predict(users[n : n + 1], items[n : n + 1], times[n : n + 1]) for n in range(4)])
    assert alone == pytest.approx(once, abs=1e-5)
    assert len(fitted.predict(users[:0], items[:0], times[:0])) == 0
    assert rmse(fitted, quiet) < quiet.values.std()


def test_trees_use_no_rating_for_its_own_features():
    """Values are pure chance: trees that saw a rating in its own features would fit it, and fail on new ones."""
    ratings = low_rank(5, n_users=80, n_items=40)
    rng = np.random.default_rng(0)
    ratings = replace(ratings, values=rng.normal(3.0, 1.0, len(ratings)).astype(np.float32))
    parts = split_ratings(ratings, "random", held_out=0.3)
    part = load_part("rater", "trees")
    fitted = part(part.Params(least_rows=20, n_trees=50, threads=1)).fit(parts.trainval, catalogue_of(40))
    assert rmse(fitted, parts.test) < 1.2


def test_random_split_is_that_of_the_independent_splitter_row_for_row(tmp_path):
    folder = os.environ.get("RECOPS_BENCH")
    if not folder:
        pytest.skip("RECOPS_BENCH names no folder with an independent splitter.py")
    pandas = pytest.importorskip("pandas")
    spec = importlib.util.spec_from_file_location("independent_splitter", Path(folder) / "splitter.py")
    assert spec is not None and spec.loader is not None
    splitter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(splitter)
    rng = np.random.default_rng(0)
    rows = [(f"u{rng.integers(50)}", f"i{rng.integers(60):04d}", int(rng.integers(30)), 1.0 * n) for n in range(997)]
    theirs = pandas.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "rating"])
    ratings = make_ratings(table(rows), catalogue_of(60).vocabulary)
    ours = split_ratings(ratings, "random").parts()
    for name, part in splitter.random_ratings(theirs, 0)[0].items():
        assert ours["valid" if name == "val" else name].values.tolist() == part.rating.tolist()
    in_time = split_ratings(ratings, "global_time").parts()
    parts, _ = splitter.global_temporal(theirs)
    assert in_time["train"].values.tolist() == parts["train"].rating.tolist()
    assert in_time["trainval"].values.tolist() == parts["trainval"].rating.tolist()


def test_ratings_are_the_rows_with_a_value_in_their_order():
    rows = table([("b", "i0001", 0, 4.0), ("a", "i0000", 1, None), ("a", "gone", 2, 5.0), ("a", "i0002", 3, 2.0)])
    ratings = make_ratings(rows, catalogue_of(3).vocabulary)
    assert ratings.values.tolist() == [4.0, 2.0] and ratings.items.tolist() == [1, 2]
    assert ratings.user_ids.tolist() == ["a", "b"] and ratings.users.tolist() == [1, 0]
    with pytest.raises(UserError, match="0 of 1 rows carry a value"):
        make_ratings(rows[1:2], catalogue_of(3).vocabulary)
    with pytest.raises(UserError, match="at least 5"):
        make_ratings(rows, catalogue_of(3).vocabulary, least_value=5)


def test_expected_loss_is_that_of_the_rounded_normal_distribution():
    levels = np.array([1, 2, 3, 4, 5], dtype=np.float32)
    means, deviations = np.array([3.3, 4.8, 1.0]), np.array([0.8, 0.5, 1.5])
    draws = np.random.default_rng(0).normal(means, deviations, size=(200_000, 3))
    rounded = np.clip(np.round(draws), 1, 5)
    points = medians(means, levels)
    assert points.tolist() == [3.0, 5.0, 1.0]
    for point in (means, points):
        assert expected_loss(means, deviations, point, levels) == pytest.approx(
            np.abs(rounded - point).mean(axis=0), abs=0.006
        )
    many = np.linspace(0, 1, 60, dtype=np.float32)
    smooth = expected_loss(means, deviations, means, many)
    assert smooth == pytest.approx(deviations * np.sqrt(2 / np.pi), rel=1e-6)


def test_judging_is_plain_rmse_and_mae_with_intervals_around_them():
    test = low_rank(6)
    answer = np.full(len(test), 3.0, dtype=np.float32)
    judged = judge_ratings(test, {"mean": Predicted(answer)}, np.unique(test.values), n_resamples=200)["mean"]
    assert judged.rmse.value == pytest.approx(float(np.sqrt(np.mean((test.values - 3.0) ** 2))), rel=1e-6)
    assert judged.mae.value == pytest.approx(float(np.abs(test.values - 3.0).mean()), rel=1e-6)
    assert judged.rmse.low < judged.rmse.value < judged.rmse.high
    assert np.isnan(judged.expected_mae) and np.isnan(judged.mae_of_median.value)


@pytest.fixture
def project(tmp_path):
    """A project folder with tables of ratings and three quick raters."""
    ratings = low_rank(7, n_users=80, n_items=40)
    values = np.clip(np.round(ratings.values), 1, 5)
    rows = [
        (f"u{user}", f"i{item:04d}", int(time // MICROSECONDS_A_DAY), float(value))
        for user, item, time, value in zip(ratings.users, ratings.items, ratings.times, values, strict=True)
    ]
    (tmp_path / "data/tables").mkdir(parents=True)
    INTERACTIONS.write(table(rows), tmp_path / "data/tables/interactions.parquet")
    ITEMS.write(ITEMS.empty(), tmp_path / "data/tables/items.parquet")
    raters = {"biases": {}, "sgd_mf": {"factors": 3}, "bayesian_mf": SMALL["bayesian_mf"]}
    params = {"split": {"scheme": "global_time"}, "rating": {"bootstrap": 50}, "raters": raters}
    (tmp_path / "params.yaml").write_text(json.dumps(params))
    return tmp_path


def test_the_task_judges_every_rater_and_their_blend_and_a_second_call_fits_nothing(project, caplog, monkeypatch):
    said = evaluate_ratings(Project(project))
    report = json.loads((project / "data/ratings/report.json").read_text())
    for scheme in ("random", "global_time"):
        assert set(report[scheme]["raters"]) == {"biases", "sgd_mf", "bayesian_mf", "blend"}
        rows = pl.read_parquet(project / "data/ratings" / scheme / "predictions.parquet")
        plain = float(((rows["blend"] - rows["value"]) ** 2).mean() ** 0.5)
        assert report[scheme]["raters"]["blend"]["rmse"]["value"] == pytest.approx(plain, abs=1e-5)
        assert f"{plain:.4f}" in said
    assert (project / "data/ratings/random/predictions.parquet").is_file()

    def refuse(self, *args):
        raise AssertionError("fitted again")

    monkeypatch.setattr(Biases, "fit", refuse)
    monkeypatch.setattr(BayesianMf, "fit", refuse)
    assert evaluate_ratings(Project(project)) == said
    changed = json.loads((project / "params.yaml").read_text())
    changed["raters"]["sgd_mf"]["factors"] = 4
    (project / "params.yaml").write_text(json.dumps(changed))
    assert evaluate_ratings(Project(project)) != said  # only what changed is fitted anew


def test_data_without_values_are_refused_in_one_paragraph(project):
    path = project / "data/tables/interactions.parquet"
    INTERACTIONS.write(INTERACTIONS.read(path).with_columns(value=pl.lit(None, pl.Float64)), path)
    with pytest.raises(UserError, match="expected ratings that differ; rating prediction needs data with a column"):
        evaluate_ratings(Project(project))
