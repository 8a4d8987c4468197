"""Boosted trees on features of user, item and time, and on out-of-fold predictions of simpler raters."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import MICROSECONDS_A_DAY, Float32, Int32, Int64
from models.compute.lightgbm_alone import lightgbm
from models.compute.threads import one_thread
from models.data.types import Catalogue, NotFittedError, Ratings
from models.raters.biases import Biases
from models.raters.sgd_mf import SgdMf, SgdMfParams
from models.rating.temporal_groups import Moments

FACTORS_SHOWN = 8


class TreesParams(BaseModel):
    """Params of the trees."""

    model_config = ConfigDict(extra="forbid")

    n_trees: int = Field(default=200, ge=1)
    """More fit finer and take longer."""
    learning_rate: float = Field(default=0.08, gt=0)
    """Smaller steps need more trees."""
    leaves: int = Field(default=31, ge=2)
    """More see interactions of more features at once."""
    least_rows: int = Field(default=200, ge=1)
    """Ratings that a leaf has at least; higher trusts chance less."""
    folds: int = Field(default=3, ge=2)
    """A rating's features come from raters that never saw it: so many fits, each on the other folds."""
    max_rows: int = Field(default=400_000, ge=1)
    """Ratings that the trees learn from, drawn by chance where there are more; their features know all."""
    factors: SgdMfParams = Field(default_factory=lambda: SgdMfParams(factors=24, epochs=20))
    """The matrix factorisation whose answer and first factors are features."""
    threads: int = Field(default=2, ge=1)
    """Threads of LightGBM; results are the same for any number."""
    seed: int = 0


class Trees:
    """r̂ = prediction of the matrix factorization + boosted trees on its error (LightGBM: Ke et al. 2017)."""

    Params: ClassVar[type[BaseModel]] = TreesParams

    def __init__(self, params: TreesParams | None = None) -> None:
        self.params = params or TreesParams()
        self.booster_: Any = None

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        chosen = self.params
        rng = np.random.default_rng(chosen.seed)
        fold = rng.integers(0, chosen.folds, size=len(ratings))
        chance = min(1.0, chosen.max_rows / len(ratings))
        taken = np.flatnonzero((rng.random(len(ratings)) < chance) & (ratings.weights > 0))
        features: list[Float32] = []
        rows: list[npt.NDArray[np.intp]] = []
        for number in range(chosen.folds):
            held_out = taken[fold[taken] == number]
            others = np.flatnonzero(fold != number)
            if len(held_out) and len(others):
                learned = _Learned(ratings.rows(others), catalogue, chosen)
                features.append(
                    learned.features(ratings.users[held_out], ratings.items[held_out], ratings.times[held_out])
                )
                rows.append(held_out)
        table, order = np.concatenate(features), np.concatenate(rows)
        self.learned_ = _Learned(ratings, catalogue, chosen)
        options = {
            "objective": "regression",
            "learning_rate": chosen.learning_rate,
            "num_leaves": chosen.leaves,
            "min_data_in_leaf": chosen.least_rows,
            "feature_fraction": 0.7,
            "seed": chosen.seed,
            "num_threads": chosen.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        data = lightgbm().Dataset(table, ratings.values[order] - table[:, 0], weight=ratings.weights[order])
        self.booster_ = lightgbm().train(options, data, num_boost_round=chosen.n_trees)
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        if self.booster_ is None:
            raise NotFittedError("trees: asked before it was fitted; call fit")
        if not len(users):
            return np.zeros(0, dtype=np.float32)
        table = self.learned_.features(users, items, times)
        predicted = table[:, 0] + self.booster_.predict(table, num_threads=self.params.threads)
        answer: Float32 = predicted.astype(np.float32)
        return answer


class _Learned:
    """Statistics of users, items and tags from some ratings; independent of the pairs to predict."""

    def __init__(self, ratings: Ratings, catalogue: Catalogue, params: TreesParams) -> None:
        self.biases = Biases().fit(ratings, catalogue)
        self.factors = SgdMf(params.factors).fit(ratings, catalogue)
        users, items, times = ratings.users, ratings.items, ratings.times
        rest = (ratings.values - self.biases.predict(users, items, times)).astype(np.float64)
        self.of_users = np.column_stack([*_levels(users, rest, times, ratings.n_users)])
        self.of_items = np.column_stack([*_levels(items, rest, times, catalogue.n_items)])
        names = sorted({tag for tags in catalogue.tags for tag in tags})
        column = {
            name: number for number, name in enumerate(names[:256])
        }  # a tag among thousands says little about taste
        self.tags = np.zeros((catalogue.n_items, len(column)), dtype=np.float32)
        for item, tags in enumerate(catalogue.tags):
            self.tags[item, [column[tag] for tag in tags if tag in column]] = 1.0
        n_tags = np.maximum(self.tags.sum(axis=1, keepdims=True), 1.0)
        self.taste = np.zeros((ratings.n_users, len(column)), dtype=np.float32)
        for number in range(len(column)):
            having = self.tags[items, number] > 0
            total = np.bincount(users[having], rest[having], ratings.n_users)
            self.taste[:, number] = total / (5.0 + np.bincount(users[having], minlength=ratings.n_users))
        self.tags /= n_tags
        self.days = Moments("user_day", 1, ratings)
        self.day_counts = np.bincount(self.days.groups_, minlength=self.days.n_groups)
        self.day_levels = np.bincount(self.days.groups_, rest, self.days.n_groups) / (5.0 + self.day_counts)

    def features(self, users: Int32, items: Int32, times: Int64) -> Float32:
        """(n, n_features) float32; the first is the prediction of the matrix factorization."""
        assert self.factors.users_ is not None and self.biases.item_biases_ is not None
        day = self.days.groups(users, items, times)
        days = times / MICROSECONDS_A_DAY
        with one_thread():
            columns = [
                self.factors.predict(users, items, times),
                self.biases.predict(users, items, times),
                self.biases.user_biases_[users],
                self.biases.item_biases_[items],
                self.of_users[users, :3],
                self.of_items[items, :3],
                days - self.of_users[users, 3],
                days - self.of_items[items, 3],
                days,
                (self.taste[users] * self.tags[items]).sum(axis=1),
                np.where(day >= 0, self.day_levels[day], np.nan),
                np.where(day >= 0, self.day_counts[day], 0),
                self.factors.users_[users][:, :FACTORS_SHOWN],
                self.factors.items_[items][:, :FACTORS_SHOWN],
            ]
        return np.column_stack(columns).astype(np.float32)


def _levels(
    groups: Int32, rest: npt.NDArray[np.float64], times: Int64, n_groups: int
) -> tuple[npt.NDArray[np.float64], ...]:
    """Of each group: log count, mean and spread of the residuals, first day (NaN where there is no rating)."""
    counts = np.bincount(groups, minlength=n_groups)
    mean = np.bincount(groups, rest, n_groups) / (1.0 + counts)
    spread = np.sqrt(np.bincount(groups, rest * rest, n_groups) / (1.0 + counts))
    first = np.full(n_groups, np.inf)
    np.minimum.at(first, groups, times / MICROSECONDS_A_DAY)
    return np.log1p(counts), mean, spread, np.where(np.isfinite(first), first, np.nan)
