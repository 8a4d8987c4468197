"""Params of `lightgbm`: how its trees are grown."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from models.rankers.fusion import FusionParams


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
    max_rows: int = Field(default=250_000, ge=1)
    """Of examples that a draw grows from; beyond it a random share of those that were not chosen is left out."""
    threads: int = Field(default=2, ge=1)
    """For training and for scoring many at once; the result does not depend on it."""
    draws: int = Field(default=3, ge=1)
    """Times the trees are grown, each from its own choice of rows and features, to be averaged; more is steadier."""
    seed: int = Field(default=1, ge=0)
    """Of those choices."""
