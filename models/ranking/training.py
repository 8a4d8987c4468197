"""Training of a ranker: what is learned has to beat plain fusion on queries that it has not seen."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Bool, Float32, Float64, Int32
from features.params import parse
from models.interfaces import Ranker, Rows
from models.ranking.newcomers import NewcomersInOrder
from models.ranking.rows import ROWS_AT_ONCE, blocks_of_rows, where
from models.registry import load_ranker

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
    fusion: dict[str, Any] = {}
    """Params of the ranker `fusion`."""
    lightgbm: dict[str, Any] = {}
    """Params of the ranker `lightgbm`."""
    horizons: dict[str, Any] = {}
    """Params of the ranker `horizons`."""
    linear: dict[str, Any] = {}
    """Params of the ranker `linear`."""
    mlp: dict[str, Any] = {}
    """Params of the ranker `mlp`."""


@runtime_checkable
class LearnsInStages(Protocol):
    """A ranker that can tell what it would score with fewer trees."""

    def staged(self, features: Float32) -> list[tuple[int, Float32]]: ...


@runtime_checkable
class LearnsEvents(Protocol):
    """A ranker that can tell kinds of choices apart, which `fit` takes as one."""

    def fit_events(
        self, features: Rows, labels: Float32, events: Mapping[str, Bool], groups: Int32, names: tuple[str, ...]
    ) -> Ranker:
        """As `fit`; events: kind of event → (n_rows,) candidates that were chosen so."""


@dataclass(frozen=True)
class Trained:
    """The ranker that earned its place, its name, and the figures that say why."""

    name: str
    ranker: Ranker
    figures: dict[str, Any]


def make_ranker(name: str, params: Params) -> Ranker:
    """An unfitted ranker with its own section of the params."""
    ranker = load_ranker(name)
    values = dict(getattr(params, name, None) or {})
    if name != PLAIN and PLAIN in ranker.Params.model_fields:
        values.setdefault(PLAIN, params.fusion)  # what it starts from is what it has to beat
    if N_SEEDS in ranker.Params.model_fields:
        values.setdefault(N_SEEDS, params.n_seeds)
    return ranker(parse(f"ranker.{name}", values, ranker.Params))  # type: ignore[call-arg]


def train_ranker(
    features: Rows,
    labels: Float32,
    groups: Int32,
    n_targets: npt.NDArray[np.int64],
    user_ids: Sequence[str] | npt.NDArray[np.str_],
    names: tuple[str, ...],
    params: Params,
    events: Mapping[str, Bool] | None = None,
) -> Trained:
    """Compares by cross-validation over users on ndcg@k of the order before reranking, fits the better one on all.

    features, labels: (n_rows, …) by query; groups: (n_queries,) rows of each; n_targets: what could be found;
    events: see `LearnsEvents`. Whatever a ranker learns from, it is judged by what was chosen at all.
    """
    events = events or {}
    plain = make_ranker(PLAIN, params).fit(features, labels, groups, names)
    judged = n_targets > 0
    telling = int((judged & (groups > 0)).sum())
    plain_ndcg = ndcg_of(_scored(plain, features, names), labels, groups, n_targets, params.k)[judged]
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
    held_out, staged = cross_validated(features, labels, groups, n_targets, user_ids, names, params, events)
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
        learned = _fitted(params, features, labels, events, groups, names)
        why = f"{params.name} gains {gains.mean():.4f} (standard error {error:.4f}) on users that it has not seen"
        return Trained(params.name, learned, figures | {"why": why})
    why = f"{params.name} does not beat {PLAIN} by {params.margin:g} standard errors on users that it has not seen"
    return Trained(PLAIN, plain, figures | {"why": why})


def cross_validated(
    features: Rows,
    labels: Float32,
    groups: Int32,
    n_targets: npt.NDArray[np.int64],
    user_ids: Sequence[str] | npt.NDArray[np.str_],
    names: tuple[str, ...],
    params: Params,
    events: Mapping[str, Bool],
) -> tuple[Float64, dict[int, Float64]]:
    """(n_queries,) ndcg@k by rankers that have not seen the query's user; and, by their number, after fewer trees.

    Each is a single draw: averaging, which takes as many times as long, makes what ships no worse than what is judged.
    """
    users, owner = np.unique(np.asarray(user_ids), return_inverse=True)
    fold_of_user = np.random.default_rng(params.seed).permutation(len(users)) % params.folds
    fold = fold_of_user[owner]
    row_fold = np.repeat(fold, groups)
    held_out = np.zeros(len(groups))
    single = _of_one_draw(params)
    staged: dict[int, Float64] = {}
    folds_of: Counter[int] = Counter()
    for number in range(params.folds):
        own, asked = row_fold == number, fold == number
        others = {kind: marks[~own] for kind, marks in events.items()}
        ranker = _fitted(single, where(features, ~own), labels[~own], others, groups[~asked], names)
        judged = labels[own], groups[asked], n_targets[asked], params.k
        held_out[asked] = ndcg_of(_scored(ranker, where(features, own), names), *judged)
        for n_trees, early in _staged(ranker, where(features, own), names).items():
            staged.setdefault(n_trees, np.zeros(len(groups)))[asked] = ndcg_of(early, *judged)
            folds_of[n_trees] += 1
    return held_out, {n_trees: early for n_trees, early in staged.items() if folds_of[n_trees] == params.folds}


def _scored(ranker: Ranker, features: Rows, names: tuple[str, ...]) -> Float32:
    """(n_rows,) its scores as it would serve, some rows at a time."""
    served = NewcomersInOrder(ranker, names)
    parts = [served.score(block) for block in blocks_of_rows(features)]
    return np.concatenate(parts) if parts else served.score(features[:0])


def _staged(ranker: Ranker, features: Rows, names: tuple[str, ...]) -> dict[int, Float32]:
    """Number of trees → (n_rows,) scores after so many, where the ranker can tell."""
    if not isinstance(ranker, LearnsInStages):
        return {}
    served = NewcomersInOrder(ranker, names)

    def early(block: Float32) -> dict[int, Float32]:
        return {n_trees: served.in_order(block, scores) for n_trees, scores in ranker.staged(block)}

    parts = [early(block) for block in blocks_of_rows(features)] or [early(features[:0])]
    return {n_trees: np.concatenate([part[n_trees] for part in parts]) for n_trees in parts[0]}


def _of_one_draw(params: Params) -> Params:
    """The same with a ranker that averages nothing."""
    own = {name: value for name, value in getattr(params, params.name).items() if name != N_SEEDS}
    return params.model_copy(update={params.name: own, N_SEEDS: 1})


def _fitted(
    params: Params,
    features: Rows,
    labels: Float32,
    events: Mapping[str, Bool],
    groups: Int32,
    names: tuple[str, ...],
) -> Ranker:
    ranker = make_ranker(params.name, params)
    if isinstance(ranker, LearnsEvents):
        return ranker.fit_events(features, labels, events, groups, names)
    return ranker.fit(features, labels, groups, names)


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
    place = np.arange(len(scores)) - np.repeat(starts, groups)
    gains = np.where(place < k, labels[order] / np.log2(place + 2.0), 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
    reached = np.bincount(owners, gains, minlength=len(groups))
    best = ideal[np.minimum(n_targets, k)]
    values: Float64 = np.divide(reached, best, out=np.zeros(len(groups)), where=best > 0)
    return values


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 6)
