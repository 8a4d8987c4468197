"""Training of a ranker: it must beat plain fusion on held-out queries to be used."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.arrays import Bool, Float32, Float64, Int32
from models.interfaces import Ranker, Rows
from models.ranking.newcomers import NewcomersInOrder
from models.ranking.ranker_data import RankerData
from models.ranking.rows import ROWS_AT_ONCE, blocks_of_rows
from models.registry import load_part, make, part_names

logger = logging.getLogger(__name__)
PLAIN = "fusion"
N_SEEDS = "n_seeds"  # of a ranker's params: how many fits it averages, `ranker.n_seeds` where its section does not say


class Params(BaseModel):
    """Which ranker is tried against plain fusion, and how the two are compared."""

    model_config = ConfigDict(extra="forbid")

    name: str = "horizons"
    """Of models/rankers; `fusion` tries nothing else."""
    folds: int = Field(default=5, ge=2)
    """Groups of users, each judged by a ranker that was trained on the others."""
    min_queries: int = Field(default=100, ge=1)
    """With fewer telling queries nothing is learned."""
    margin: float = Field(default=1.0, ge=0)
    """Standard errors by which the learned ranker's mean gain must exceed 0; greater is more careful."""
    k: int = Field(default=10, ge=1)
    """Cut of the ndcg that decides."""
    n_seeds: int = Field(default=3, ge=1)
    """Fits that the shipped ranker averages, where it can; more is steadier. Folds are judged by a single one."""
    seed: int = Field(default=1, ge=0)
    """Of the folds."""
    sections: dict[str, dict[str, Any]] = {}
    """Params of rankers by name; in params.yaml each stands under its name beside the fields above."""

    @model_validator(mode="before")
    @classmethod
    def _sections_by_name(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        sections = {name: values[name] or {} for name in part_names("ranker") if name in values}
        return {name: value for name, value in values.items() if name not in sections} | {"sections": sections}


@runtime_checkable
class LearnsInStages(Protocol):
    """A ranker that can report its scores with fewer trees."""

    def staged(self, features: Float32) -> list[tuple[int, Float32]]: ...


@runtime_checkable
class LearnsEvents(Protocol):
    """A ranker that can learn from kinds of events, which `fit` does not distinguish."""

    def fit_events(
        self, features: Rows, labels: Float32, events: Mapping[str, Bool], groups: Int32, names: tuple[str, ...]
    ) -> Ranker:
        """As `fit`; events: kind of event → (n_rows,) candidates that were chosen so."""


@dataclass(frozen=True)
class Trained:
    """The selected ranker, its name, and the metrics behind the choice."""

    name: str
    ranker: Ranker
    figures: dict[str, Any]


@runtime_checkable
class TrainsItself(Protocol):
    """A ranker with its own procedure for training and evaluation."""

    def train(self, data: RankerData, params: Params) -> Trained:
        """As `train_ranker`."""


def make_ranker(name: str, params: Params) -> Ranker:
    """An unfitted ranker with its own section of the params."""
    fields = load_part("ranker", name).Params.model_fields
    values = dict(params.sections.get(name, {}))
    if name != PLAIN and PLAIN in fields:
        values.setdefault(PLAIN, params.sections.get(PLAIN, {}))  # its prior is the baseline that it has to beat
    if N_SEEDS in fields:
        values.setdefault(N_SEEDS, params.n_seeds)
    return make("ranker", name, values)


def train_ranker(data: RankerData, params: Params) -> Trained:
    """Compares by cross-validation over users on ndcg@k of the order before reranking, fits the better one on all.

    Evaluation counts every positive event, whatever the ranker learns from.
    """
    ranker = make_ranker(params.name, params)
    if isinstance(ranker, TrainsItself):
        return ranker.train(data, params)
    plain = fit_plain(data, params)
    judged = data.n_targets > 0
    telling = int((judged & (data.groups > 0)).sum())
    plain_ndcg = _ndcg_by(_scored(plain, data), data, params)[judged]
    figures: dict[str, Any] = {
        "n_queries": int(judged.sum()),
        "n_telling_queries": telling,
        f"{PLAIN} ndcg@{params.k}": _rounded(plain_ndcg.mean()) if len(plain_ndcg) else None,
    }
    if params.name == PLAIN:
        return Trained(PLAIN, plain, figures | {"why": "no other ranker is asked for"})
    if telling < params.min_queries:
        why = f"{telling} telling queries are fewer than ranker.min_queries {params.min_queries}"
        return Trained(PLAIN, plain, figures | {"why": why})
    held_out, staged = cross_validated(data, params)
    gains = held_out[judged] - plain_ndcg
    error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
    figures |= {
        f"{params.name} ndcg@{params.k}": _rounded(plain_ndcg.mean() + gains.mean()),
        "gain": _rounded(gains.mean()),
        "standard_error": _rounded(error),
        "folds": params.folds,
        "learning_curve": [[n_trees, _rounded(ndcg[judged].mean())] for n_trees, ndcg in sorted(staged.items())],
    }
    logger.info("ranker=%s gain=%.5f standard_error=%.5f", params.name, gains.mean(), error)
    if gains.mean() > params.margin * error:
        learned = _fitted(params, data)
        why = f"{params.name} gains {gains.mean():.4f} (standard error {error:.4f}) on users that it has not seen"
        return Trained(params.name, learned, figures | {"why": why})
    why = f"{params.name} does not beat {PLAIN} by {params.margin:g} standard errors on users that it has not seen"
    return Trained(PLAIN, plain, figures | {"why": why})


def fit_plain(data: RankerData, params: Params) -> Ranker:
    """The fusion that every ranker has to beat."""
    return make_ranker(PLAIN, params).fit(data.features, data.labels, data.groups, data.names)


def cross_validated(data: RankerData, params: Params) -> tuple[Float64, dict[int, Float64]]:
    """(n_queries,) ndcg@k by rankers that have not seen the query's user; and, by their number, after fewer trees.

    Each is fitted with one seed. Averaging over seeds costs a multiple of the time and does not make the ranker worse.
    """
    users, owner = np.unique(np.asarray(data.user_ids), return_inverse=True)
    fold_of_user = np.random.default_rng(params.seed).permutation(len(users)) % params.folds
    fold = fold_of_user[owner]
    held_out = np.zeros(len(data.groups))
    single = _of_one_draw(params)
    staged: dict[int, Float64] = {}
    folds_of: Counter[int] = Counter()
    for number in range(params.folds):
        in_fold = fold == number
        fold_data = data.queries(in_fold)
        ranker = _fitted(single, data.queries(~in_fold))
        held_out[in_fold] = _ndcg_by(_scored(ranker, fold_data), fold_data, params)
        for n_trees, early in _staged(ranker, fold_data).items():
            staged.setdefault(n_trees, np.zeros(len(data.groups)))[in_fold] = _ndcg_by(early, fold_data, params)
            folds_of[n_trees] += 1
    return held_out, {n_trees: early for n_trees, early in staged.items() if folds_of[n_trees] == params.folds}


def _ndcg_by(scores: Float32, data: RankerData, params: Params) -> Float64:
    return ndcg_of(scores, data.labels, data.groups, data.n_targets, params.k)


def _scored(ranker: Ranker, data: RankerData) -> Float32:
    """Scores (n_rows,) of the ranker as served, computed in chunks of rows."""
    served = NewcomersInOrder(ranker, data.names)
    parts = [served.score(block) for block in blocks_of_rows(data.features)]
    return np.concatenate(parts) if parts else served.score(data.features[:0])


def _staged(ranker: Ranker, data: RankerData) -> dict[int, Float32]:
    """Number of trees → (n_rows,) scores after so many, where the ranker can tell."""
    if not isinstance(ranker, LearnsInStages):
        return {}
    served = NewcomersInOrder(ranker, data.names)

    def early(block: Float32) -> dict[int, Float32]:
        return {n_trees: served.in_order(block, scores) for n_trees, scores in ranker.staged(block)}

    parts = [early(block) for block in blocks_of_rows(data.features)] or [early(data.features[:0])]
    return {n_trees: np.concatenate([part[n_trees] for part in parts]) for n_trees in parts[0]}


def _of_one_draw(params: Params) -> Params:
    """The same params with a single seed."""
    section = {name: value for name, value in params.sections.get(params.name, {}).items() if name != N_SEEDS}
    return params.model_copy(update={"sections": params.sections | {params.name: section}, N_SEEDS: 1})


def _fitted(params: Params, data: RankerData) -> Ranker:
    ranker = make_ranker(params.name, params)
    if isinstance(ranker, LearnsEvents):
        return ranker.fit_events(data.features, data.labels, data.events, data.groups, data.names)
    return ranker.fit(data.features, data.labels, data.groups, data.names)


def ndcg_of(scores: Float32, labels: Float32, groups: Int32, n_targets: npt.NDArray[np.int64], k: int) -> Float64:
    """(n_queries,) ndcg@k of each query's rows ordered by score (ties by row), against all its targets."""
    ends = np.cumsum(groups, dtype=np.int64)
    values = np.zeros(len(groups))
    first = 0
    while first < len(groups):
        begin = int(ends[first]) - int(groups[first])
        stop = max(int(np.searchsorted(ends, begin + ROWS_AT_ONCE, side="right")), first + 1)
        rows = slice(begin, int(ends[stop - 1]))
        values[first:stop] = _ndcg(scores[rows], labels[rows], groups[first:stop], n_targets[first:stop], k)
        first = stop
    return values


def _ndcg(scores: Float32, labels: Float32, groups: Int32, n_targets: npt.NDArray[np.int64], k: int) -> Float64:
    """As `ndcg_of`; memory is about 50 bytes a row."""
    owners = np.repeat(np.arange(len(groups)), groups)
    order = np.lexsort((-scores, owners))
    starts = np.concatenate([[0], np.cumsum(groups)[:-1]])
    rank = np.arange(len(scores)) - np.repeat(starts, groups)
    gains = np.where(rank < k, labels[order] / np.log2(rank + 2.0), 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
    reached = np.bincount(owners, gains, minlength=len(groups))
    best = ideal[np.minimum(n_targets, k)]
    values: Float64 = np.divide(reached, best, out=np.zeros(len(groups)), where=best > 0)
    return values


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 6)
