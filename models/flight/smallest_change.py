"""The smallest change of one item that would have put it into a recorded list, found by search."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from features.arrays import Float32, Float64
from models.flight.feature_groups import groups_of
from models.flight.hypothetical import ItemRow, moved_features, ranked_at
from models.interfaces import FeatureLookup
from models.ranking.features import QUERY_FEATURES, RANK_PREFIX, SCORE_PREFIX
from models.recommender import Recommender

MOST_TRIED = 200  # changes whose list is made, the smallest first


@dataclass(frozen=True, kw_only=True)
class Change:
    """What would have shown the item, and the place that it would have had. kind: `retriever` (retriever, rank) or
    `features` (groups of features as those of a shown item: donor, a row of the candidates)."""

    kind: Literal["retriever", "features"]
    place: int
    retriever: str | None = None
    rank: int | None = None
    groups: tuple[str, ...] = ()
    donor: int | None = None


def smallest_change(one: ItemRow, recommender: Recommender, lookup: FeatureLookup) -> Change | None:
    """A better rank by one retriever, the least better of all; else the features of a shown item in one group, or in
    two, the nearest; None where none of these puts the item into the list."""
    if not len(one.record.feature_rows):
        return None
    return _by_rank(one, recommender, lookup) or _by_features(one, recommender, 1) or _by_features(one, recommender, 2)


def _by_rank(one: ItemRow, recommender: Recommender, lookup: FeatureLookup) -> Change | None:
    """Of the retrievers that could have done it alone the one that asks for the worst rank."""
    best: Change | None = None
    for column, name in enumerate(one.record.retrievers):
        rank_now = int(one.record.candidates.ranks[one.row, column])
        n_ranks = int(one.record.candidates.ranks[:, column].max(initial=0))
        worst = rank_now - 1 if rank_now else n_ranks
        first, last = (best.rank + 1 if best is not None and best.rank else 1), worst
        while first <= last:  # a better rank helps more, so halving finds the worst that does
            rank = (first + last) // 2
            place = _place_at(one, recommender, lookup, column, rank)
            if place is None:
                last = rank - 1
                continue
            best = Change(kind="retriever", place=place, retriever=name, rank=rank)
            first = rank + 1
    return best


def _place_at(one: ItemRow, recommender: Recommender, lookup: FeatureLookup, column: int, rank: int) -> int | None:
    features = moved_features(one, lookup, ranked_at(one, column, rank))
    return one.place_with(float(recommender.ranker.score(features[None, :])[0]), recommender)


def _by_features(one: ItemRow, recommender: Recommender, n_groups: int) -> Change | None:
    """Of the groups of features that differ from a shown item's, those whose exchange moves the item least."""
    record = one.record
    names, index = groups_of(record.feature_names)
    scale = _scales(record.features)
    of_retriever_or_user = {
        group for group, name in zip(index.tolist(), record.feature_names, strict=True) if _is_fixed(name)
    }
    free = [group for group in range(len(names)) if group not in of_retriever_or_user]
    trials: list[tuple[float, int, tuple[int, ...], Float32]] = []
    for donor in record.shown.tolist():
        other = record.features_of(donor)
        if other is None or donor == one.row:
            continue
        for groups in combinations(free, n_groups):
            columns = np.isin(index, groups)
            changed = np.where(columns, other, one.features)
            distance = _distance(one.features[columns], other[columns], scale[columns])
            if distance > 0:
                trials.append((distance, donor, groups, changed.astype(np.float32)))
    if not trials:
        return None
    scores = recommender.ranker.score(np.stack([changed for *_, changed in trials]))
    least = float(record.scores[record.shown].min())
    order = sorted(np.flatnonzero(scores >= least).tolist(), key=lambda number: trials[number][:3])
    for number in order[:MOST_TRIED]:
        place = one.place_with(float(scores[number]), recommender)
        if place is not None:
            _, donor, groups, _ = trials[number]
            return Change(kind="features", place=place, groups=tuple(names[group] for group in groups), donor=donor)
    return None


def _is_fixed(name: str) -> bool:
    """Features that a change of the item cannot move: those of the retrievers, which are searched by rank, the user's
    own and the query's, which are the same for all candidates."""
    return (name.startswith((RANK_PREFIX, SCORE_PREFIX, "user_")) and name != "user_mean_value") or name in {
        *QUERY_FEATURES,
        "n_retrievers",
    }


def _scales(features: Float32) -> Float64:
    """(n_features,) the spread of each feature over the recorded rows, 1 where there is none."""
    finite = np.where(np.isnan(features), 0.0, features.astype(np.float64))
    spread: Float64 = finite.max(axis=0, initial=-np.inf) - finite.min(axis=0, initial=np.inf)
    return np.where(spread > 0, spread, 1.0)


def _distance(from_: Float32, to: Float32, scale: Float64) -> float:
    """Sum of the differences in spreads; what is known of one and not of the other counts one spread."""
    gap = np.abs(from_.astype(np.float64) - to.astype(np.float64)) / scale
    unknown = np.isnan(from_) ^ np.isnan(to)
    return float(np.where(unknown, 1.0, np.nan_to_num(gap)).sum())
