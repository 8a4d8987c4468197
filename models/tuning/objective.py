"""Objective of tuning: NDCG on valid by chunks of users, and intervals for the best of many trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float64
from models.data.types import Queries, Targets
from models.evaluation.intervals import Interval, resampled_means
from models.evaluation.metrics import accuracy, target_positions
from models.interfaces import Retriever

K = 10
METRIC = f"ndcg@{K}"


class Params(BaseModel):
    """Params of the search: section `tune`."""

    model_config = ConfigDict(extra="forbid")

    horizon: Literal["frozen", "rolling"] = "frozen"
    """`frozen`: all that a user chose after the first cut, asked at it; `rolling`: each next choice, asked right before
    it with all that preceded it."""
    rolling_events: int = Field(default=4000, ge=100)
    """Next choices that are asked under `rolling`; more are steadier and slower."""
    chunks: int = Field(default=5, ge=1, le=50)
    """Parts of the users, asked one after the other; after each a trial worse than the median of the earlier ones is
    pruned. More prune sooner, and on less evidence."""
    seed: int = Field(default=1, ge=0)
    """Of the chunks, the sample of choices, the values that are tried and the resampling."""
    bootstrap: int = Field(default=1000, ge=100)
    """Resamples of users for the interval of the gain; more steadies its last digit."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Share of such intervals that hold the true gain; higher proposes less."""
    min_users: int = Field(default=100, ge=2)
    """With fewer users on valid nothing is proposed: intervals from so few are too narrow."""


@dataclass(frozen=True)
class Chunk:
    """A chunk of queries with their targets, and which of them count: (n_queries,) those of users with a
    history that want something new to them."""

    queries: Queries
    targets: Targets

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        return (self.queries.history.items.lengths > 0) & (self.targets.counts > 0)


def user_chunks(user_ids: Sequence[str], n_chunks: int, seed: int) -> list[list[str]]:
    """The distinct users in at most `n_chunks` parts of like size, by a seeded shuffle; none is empty."""
    users = np.unique(np.asarray(user_ids, dtype=np.str_))
    shuffled = np.random.default_rng(seed).permutation(users)
    return [part.tolist() for part in np.array_split(shuffled, n_chunks) if len(part)]


def owners_of(chunks: Sequence[Chunk]) -> npt.NDArray[np.int64]:
    """(n_counted,) the user of each counted query, over all chunks in order."""
    names = np.concatenate([chunk.queries.user_ids[chunk.counted] for chunk in chunks])
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def answered(retriever: Retriever, chunks: Sequence[Chunk]) -> Iterator[tuple[Float64, bool]]:
    """NDCG@10 of the counted queries of one chunk after the other, and whether anything was offered at all."""
    for chunk in chunks:
        lists = retriever.retrieve(chunk.queries, K).items
        hits = target_positions(lists, chunk.targets.items) >= 0
        yield accuracy(hits, chunk.targets.counts, [K])[METRIC][chunk.counted], bool((lists >= 0).any())


def gain_of_best(
    values: Float64, present: Float64, owners: npt.NDArray[np.int64], best: int, params: Params
) -> Interval:
    """How far trial `best` is ahead of the present params, with bounds that allow for its having been chosen.

    values: (n_queries, n_trials); present: (n_queries,); owners: (n_queries,) the user of each query. Users are
    resampled, and the maximum standardized deviation over all trials sets the width of the bounds: the best of many
    trials looks better than it is, and a plain paired interval would report that as a gain.
    Source: White 2000, doi:10.1111/1468-0262.00152; Romano & Wolf 2005, doi:10.1111/j.1468-0262.2005.00615.x.
    """
    apart = values - present[:, None]
    sums = np.column_stack([np.bincount(owners, column) for column in apart.T])
    counts = np.bincount(owners).astype(np.float64)
    drawn = resampled_means(np.column_stack([sums, counts]), params.bootstrap, params.seed)
    gains = drawn[:, :-1] / drawn[:, -1:]
    gain = sums.sum(axis=0) / counts.sum()
    spread = gains.std(axis=0)
    deviations = np.abs(gains - gain) / np.where(spread > 0, spread, np.inf)
    width = float(np.quantile(deviations.max(axis=1), params.confidence) * spread[best])
    return Interval(float(gain[best]), float(gain[best]) - width, float(gain[best]) + width)
