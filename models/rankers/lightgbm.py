"""LightGBM: boosted trees (LambdaMART) on top of reciprocal rank fusion."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Bool, Float32, Int32
from features.files import write_text
from models.compute.lightgbm_alone import lightgbm
from models.data.saved_params import read_params, write_params
from models.data.types import NotFittedError
from models.interfaces import Rows
from models.rankers.fusion import Fusion, FusionParams
from models.ranking.sampling import rows_of_all_hits
from models.single_query.score_plans import BoostedTrees


class LightGbmParams(BaseModel):
    """How the trees are grown; few and strongly regularised by default, since examples are few."""

    model_config = ConfigDict(extra="forbid")

    n_trees: int = Field(default=100, ge=1)
    """Trees; more fit the examples closer."""
    learning_rate: float = Field(default=0.05, gt=0)
    """Of each tree; lower needs more trees."""
    num_leaves: int = Field(default=11, ge=2)
    """Of each tree."""
    min_data_in_leaf: int = Field(default=200, ge=1)
    """Examples in a leaf; greater is smoother."""
    l2: float = Field(default=20.0, ge=0)
    """Shrinks the leaves' values."""
    feature_fraction: float = Field(default=0.7, gt=0, le=1)
    """Share of the features that a tree may look at."""
    truncation: int = Field(default=20, ge=1)
    """Places that the ranking objective looks at."""
    target_power: float = Field(default=0.0, ge=0, le=1)
    """A query counts as the number of its hits to this power; greater learns more from those who choose much."""
    prior: float = Field(default=4.0, ge=0)
    """Weight of plain fusion, from which the trees start; 0 learns from nothing."""
    fusion: FusionParams = FusionParams()
    """Of that fusion; where `train_ranker` makes the trees, the params of the ranker `fusion` that they must beat."""
    max_bin: int = Field(default=63, ge=2)
    """Steps of a feature that a tree can tell apart; more costs time."""
    max_rows: int = Field(default=250_000, ge=1)
    """Of examples that a draw grows from; beyond it a random share of those that were not chosen is left out."""
    threads: int = Field(default=2, ge=1)
    """For training and for scoring many at once; the result does not depend on it."""
    n_seeds: int = Field(default=3, ge=1)
    """Times the trees are grown, each from its own choice of rows and features, to be averaged; more is steadier."""
    seed: int = Field(default=1, ge=0)
    """Of those choices."""


FEW = 10_000  # rows, as in a request: scored in one thread, since starting more costs more than it saves


class LightGbm:
    """score = prior · fusion + mean of the trees over seeds (Burges 2010, MSR-TR-2010-82; LightGBM lambdarank).

    models_: the trees of each seed as text; empty if no query has both labels.
    """

    Params: ClassVar[type[BaseModel]] = LightGbmParams

    def __init__(self, params: LightGbmParams | None = None) -> None:
        self.params = params or LightGbmParams()
        self.models_: list[str] | None = None
        self.prior_: Fusion | None = None
        self._loaded: list[Any] | None = None

    def fit(self, features: Rows, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """Queries whose candidates all have the same label are left out: they carry no signal."""
        self.prior_ = Fusion(self.params.fusion).fit(features, labels, groups, names)
        owners = np.repeat(np.arange(len(groups)), groups)
        hits = np.bincount(owners, labels, minlength=len(groups))
        rows = ((hits > 0) & (hits < groups))[owners]
        weights = np.power(hits, self.params.target_power, dtype=np.float64)
        seeds = range(self.params.seed, self.params.seed + self.params.n_seeds) if rows.any() else ()
        self._learn([self._grown(features, labels, owners, weights, rows, seed) for seed in seeds])
        return self

    def _grown(
        self,
        features: Rows,
        labels: Float32,
        owners: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
        rows: Bool,
        seed: int,
    ) -> str:
        """The trees of one seed, from some of `rows`; weights: (n_queries,), owners: (n_rows,) the query of each."""
        rows = rows_of_all_hits(labels, rows, self.params.max_rows, seed)
        sizes, weight, chosen = np.bincount(owners[rows]), weights[owners[rows]], features[rows]
        data = lightgbm().Dataset(
            chosen,
            labels[rows],
            group=sizes[sizes > 0],
            weight=weight / weight.mean(),
            init_score=self._prior(chosen),
            feature_name=[f"f{column}" for column in range(chosen.shape[1])],
        )
        booster = lightgbm().train(self._options() | {"seed": seed}, data, self.params.n_trees)
        return str(booster.model_to_string())

    def score(self, features: Float32) -> Float32:
        if self.models_ is None:
            raise NotFittedError("lightgbm: asked before it was fitted; call fit or load")
        return (self._prior(features) + self._trees(features)).astype(np.float32)

    def score_plan(self) -> BoostedTrees:
        """The trees as text, for kernels that need no LightGBM."""
        if self.models_ is None or self.prior_ is None:
            raise NotFittedError("lightgbm: no plan before it was fitted")
        return BoostedTrees(
            models=tuple(self.models_),
            prior=self.prior_.score_plan(),
            prior_weight=self.params.prior,
            score=self.score,
        )

    def staged(self, features: Float32, n_steps: int = 10) -> list[tuple[int, Float32]]:
        """(number of trees, scores) as the trees come in, from plain fusion on: for a learning curve."""
        scores = self._prior(features)
        stages = [(0, scores.astype(np.float32))]
        if not self._boosters or not len(features):
            return stages
        ends = np.linspace(0, max(booster.num_trees() for booster in self._boosters), n_steps + 1).astype(int)
        for start, end in zip(ends[:-1], ends[1:], strict=True):
            if end > start:
                scores = scores + self._trees(features, start_iteration=int(start), num_iteration=int(end - start))
                stages.append((int(end), scores.astype(np.float32)))
        return stages

    def save(self, folder: Path) -> None:
        if self.models_ is None:
            raise NotFittedError("lightgbm: nothing to save before it was fitted")
        for draw, model in enumerate(self.models_):
            write_text(model, folder / _file(draw))
        learned = _Learned(params=self.params, n_models=len(self.models_))
        write_params(learned, folder / "lightgbm.json")
        assert self.prior_ is not None
        self.prior_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        learned = read_params(folder / "lightgbm.json", "ranker.lightgbm", _Learned)
        ranker = cls(learned.params)
        ranker.prior_ = Fusion.load(folder)
        ranker._learn([(folder / _file(draw)).read_text(encoding="utf-8") for draw in range(learned.n_models)])
        return ranker

    def _options(self) -> dict[str, Any]:
        params = self.params
        return {
            "objective": "lambdarank",
            "learning_rate": params.learning_rate,
            "num_leaves": params.num_leaves,
            "min_data_in_leaf": params.min_data_in_leaf,
            "lambda_l2": params.l2,
            "feature_fraction": params.feature_fraction,
            "lambdarank_truncation_level": params.truncation,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": params.threads,
            "max_bin": params.max_bin,
            "verbosity": -1,
        }

    def _prior(self, features: Float32) -> npt.NDArray[np.float64]:
        assert self.prior_ is not None
        return self.params.prior * self.prior_.score(features).astype(np.float64)

    def _trees(self, features: Float32, **options: int) -> npt.NDArray[np.float64]:
        """(n_rows,) mean over seeds of what the trees add to the prior."""
        total, threads = np.zeros(len(features)), self.params.threads if len(features) > FEW else 1
        for booster in self._boosters if len(features) else ():
            total += booster.predict(features, raw_score=True, num_threads=threads, **options)
        return total / max(len(self._boosters), 1)

    @property
    def _boosters(self) -> list[Any]:
        """Read from the text when they are first needed: a service that scores by kernels does without LightGBM."""
        if self._loaded is None:
            self._loaded = [lightgbm().Booster(model_str=model) for model in self.models_ or ()]
        return self._loaded

    def _learn(self, models: list[str]) -> None:
        self.models_, self._loaded = models, None


class _Learned(BaseModel):
    params: LightGbmParams
    n_models: int


def _file(draw: int) -> str:
    return f"lightgbm_{draw + 1}.txt"
