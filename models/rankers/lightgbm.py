"""LightGBM: boosted trees (LambdaMART) that correct plain fusion where the examples say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.schema import write_text
from models.interfaces import Float32, Int32, NotFittedError
from models.rankers.fusion import Fusion, FusionParams


class LightGbmParams(BaseModel):
    """How the trees are grown; few and strongly regularised by default, for examples are few."""

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
    max_rows: int = Field(default=500_000, ge=1)
    """Of examples to grow from; beyond it a random share of those that were not chosen is left out."""
    threads: int = Field(default=2, ge=1)
    """For training; the result does not depend on it."""
    seed: int = Field(default=1, ge=0)
    """Of the choice of features."""


class LightGbm:
    """score = prior · fusion + trees (Burges 2010, MSR-TR-2010-82; LightGBM lambdarank)."""

    Params: ClassVar[type[BaseModel]] = LightGbmParams

    def __init__(self, params: LightGbmParams | None = None) -> None:
        self.params = params or LightGbmParams()
        self.model_: str | None = None
        self.prior_: Fusion | None = None
        self._booster: Any = None

    def fit(self, features: Float32, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """Queries whose candidates are all alike in label teach nothing and are left out."""
        import lightgbm

        self.prior_ = Fusion(self.params.fusion).fit(features, labels, groups, names)
        owners = np.repeat(np.arange(len(groups)), groups)
        hits = np.bincount(owners, labels, minlength=len(groups))
        telling = (hits > 0) & (hits < groups)
        rows = telling[owners]
        if not rows.any():
            self._learn("")
            return self
        rows &= self._sample(labels, rows)
        weights = hits[owners[rows]] ** self.params.target_power
        data = lightgbm.Dataset(
            features[rows],
            labels[rows],
            group=np.bincount(owners[rows], minlength=len(groups))[telling],
            weight=weights / weights.mean(),
            init_score=self._prior(features[rows]),
            feature_name=[f"f{place}" for place in range(len(names))],
        )
        booster = lightgbm.train(self._options(), data, num_boost_round=self.params.n_trees)
        self._learn(booster.model_to_string())
        return self

    def score(self, features: Float32) -> Float32:
        if self.model_ is None:
            raise NotFittedError("lightgbm: asked before it was fitted; call fit or load")
        prior = self._prior(features)
        if self._booster is None or not len(features):
            return prior.astype(np.float32)
        scores: Float32 = (prior + self._booster.predict(features, raw_score=True, num_threads=1)).astype(np.float32)
        return scores

    def staged(self, features: Float32, n_steps: int = 10) -> list[tuple[int, Float32]]:
        """(number of trees, scores) as the trees come in, from plain fusion on: for a learning curve."""
        scores = self._prior(features)
        found = [(0, scores.astype(np.float32))]
        if self._booster is None or not len(features):
            return found
        ends = np.linspace(0, self._booster.num_trees(), n_steps + 1).astype(int)
        for start, end in zip(ends[:-1], ends[1:], strict=True):
            if end > start:
                options = {"start_iteration": int(start), "num_iteration": int(end - start), "num_threads": 1}
                scores = scores + self._booster.predict(features, raw_score=True, **options)
                found.append((int(end), scores.astype(np.float32)))
        return found

    def save(self, folder: Path) -> None:
        if self.model_ is None:
            raise NotFittedError("lightgbm: nothing to save before it was fitted")
        write_text(self.model_, folder / "lightgbm.txt")
        write_text(self.params.model_dump_json(indent=1) + "\n", folder / "lightgbm.json")
        assert self.prior_ is not None
        self.prior_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        ranker = cls(LightGbmParams.model_validate_json((folder / "lightgbm.json").read_text(encoding="utf-8")))
        ranker.prior_ = Fusion.load(folder)
        ranker._learn((folder / "lightgbm.txt").read_text(encoding="utf-8"))
        return ranker

    def _sample(self, labels: Float32, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(n_rows,) which to keep: all that were chosen, and so many of the others that `max_rows` suffice."""
        chosen = labels > 0
        others = int((rows & ~chosen).sum())
        room = max(self.params.max_rows - int((rows & chosen).sum()), 0)
        if others <= room:
            return np.ones(len(labels), dtype=np.bool_)
        drawn: npt.NDArray[np.bool_] = np.random.default_rng(self.params.seed).random(len(labels)) < room / others
        return drawn | chosen

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
            "seed": params.seed,
            "verbosity": -1,
        }

    def _prior(self, features: Float32) -> npt.NDArray[np.float64]:
        assert self.prior_ is not None
        return self.params.prior * self.prior_.score(features).astype(np.float64)

    def _learn(self, model: str) -> None:
        import lightgbm

        self.model_ = model
        self._booster = lightgbm.Booster(model_str=model) if model else None
