"""Checks of the gate: each compares a challenger with a champion in one metric."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float64
from models.evaluation.intervals import Interval, bounds, coverage_ratio, ratio_less_one, resampled_means
from models.gate.wording import _WORDS, difference_in_words, number, people

# metrics where lower is better; for all others higher is better
LESS_IS_BETTER = ("arp", "pop_lift", "head_share", "gini", "miscalibration")
# with fewer differing queries no difference counts as superior
FEWEST_DIFFERING = 10
Outcome = Literal["superior", "not_worse", "worse", "unclear", "too_few"]


class Check(BaseModel):
    """One comparison: not worse than the champion by `margin`, on the queries of a segment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    """A column of per_query.parquet (`recall@10`, `pop_lift@10`) or `coverage@k`."""
    segment: str = "warm"
    """Which queries and targets: a value of the column `slice` of per_query.parquet (SLICES in models/evaluation)."""
    margin: float = Field(0.05, gt=0, lt=1)
    """The loss, relative to the champion's figure, that is small enough not to matter."""
    min_queries: int = Field(100, ge=2)
    """With fewer queries the check is not judged; the primary metric then refuses, a guard is skipped and
    named in the verdict."""

    @property
    def sign(self) -> int:
        """+1 where more is better, -1 where less is."""
        return -1 if self.metric.partition("@")[0] in LESS_IS_BETTER else 1


@dataclass(frozen=True)
class Judged:
    """The gate's input for one model.

    queries: rows of per_query.parquet of this model (query_id, slice, metrics); lists: query_id, item_id, rank of what
    it would show, for coverage; name: as it stands in sentences ("the champion").
    """

    name: str
    queries: pl.DataFrame
    lists: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Result:
    """A check's answer; differences are challenger less champion, bounds two-sided at the gate's confidence."""

    metric: str
    segment: str
    margin: float
    outcome: Outcome
    n_queries: int
    challenger: float
    champion: float
    difference: Interval
    relative: Interval
    sentence: str

    @property
    def less_is_better(self) -> bool:
        """Whether less of the metric is better."""
        return self.metric.partition("@")[0] in LESS_IS_BETTER

    @property
    def passed(self) -> bool:
        """Whether the challenger was shown not to be worse."""
        return self.outcome in ("superior", "not_worse")


def compare(
    check: Check, challenger: Judged, champion: Judged, *, n_resamples: int, confidence: float, seed: int
) -> Result:
    """Answers a check by paired resampling over the queries that both have.

    Not worse: the lower bound of `challenger - (1 - margin) * champion` is above 0; no ratio is taken, so a champion
    near 0 is no problem. Superior: the lower bound of the difference is above 0 and at least 10 queries differ.
    """
    ours, theirs = _paired(check, challenger, champion)
    n = len(ours)
    if n < check.min_queries:
        return _result(check, "too_few", ours, theirs, _NOTHING, _NOTHING, champion.name, confidence)
    if check.metric.startswith("coverage@"):
        return _coverage(check, challenger, champion, n_resamples, confidence, seed)
    sign = float(check.sign)
    both = np.stack([ours, theirs], axis=1)
    middle, drawn = both.mean(axis=0), resampled_means(both, n_resamples, seed)
    apart = Interval(float(middle[0] - middle[1]), *bounds(drawn[:, 0] - drawn[:, 1], confidence))
    ratios = bounds(ratio_less_one(drawn[:, 0], drawn[:, 1]), confidence)
    relative = Interval(float(ratio_less_one(middle[0], middle[1])), *ratios)
    room, _ = bounds(sign * drawn[:, 0] - (sign - check.margin) * drawn[:, 1], confidence)
    better, worse = (apart.low, apart.high) if sign > 0 else (-apart.high, -apart.low)
    same = bool(np.array_equal(ours, theirs))
    outcome: Outcome = "unclear"
    if better > 0 and int((ours != theirs).sum()) >= FEWEST_DIFFERING:
        outcome = "superior"
    elif room > 0 or same:
        outcome = "not_worse"
    elif worse < 0:
        outcome = "worse"
    return _result(check, outcome, ours, theirs, apart, relative, champion.name, confidence)


_NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def _paired(check: Check, challenger: Judged, champion: Judged) -> tuple[Float64, Float64]:
    """Both models' values of the queries in which both have one, in the order of query ids."""
    column = check.metric
    if column.startswith("coverage@"):
        column = "n_targets"
    if column not in challenger.queries.columns:
        return np.zeros(0), np.zeros(0)
    tables = [
        judged.queries.filter(pl.col("slice") == check.segment).select("query_id", pl.col(column).cast(pl.Float64))
        for judged in (challenger, champion)
    ]
    both = tables[0].join(tables[1], on="query_id", suffix="_champion").drop_nulls().sort("query_id")
    return both.get_column(column).to_numpy(), both.get_column(f"{column}_champion").to_numpy()


def _coverage(
    check: Check, challenger: Judged, champion: Judged, n_resamples: int, confidence: float, seed: int
) -> Result:
    """Coverage is a property of all lists together, so its variance comes from random halves of the queries."""
    k = int(check.metric.partition("@")[2])
    query_ids = challenger.queries.filter(slice=check.segment).select(pl.col("query_id").unique().sort())
    shown = [_lists(judged.lists, query_ids, k) for judged in (challenger, champion)]
    ids = pl.concat([*shown]).get_column("item_id").unique().sort()
    codes = [_matrix(frame, query_ids, ids, k) for frame in shown]
    relative = coverage_ratio(codes[0], codes[1], n_resamples=min(n_resamples, 200), seed=seed, confidence=confidence)
    n_items = [float(frame.get_column("item_id").n_unique()) for frame in shown]
    outcome: Outcome = "unclear"
    if relative.low > 0:
        outcome = "superior"
    elif relative.low > -check.margin or np.array_equal(codes[0], codes[1]):
        outcome = "not_worse"
    elif relative.high < 0:
        outcome = "worse"
    apart = Interval(n_items[0] - n_items[1], relative.low * n_items[1], relative.high * n_items[1])
    ours, theirs = np.full(query_ids.height, n_items[0]), np.full(query_ids.height, n_items[1])
    return _result(check, outcome, ours, theirs, apart, relative, champion.name, confidence)


def _lists(lists: pl.DataFrame, query_ids: pl.DataFrame, k: int) -> pl.DataFrame:
    return lists.filter(pl.col("rank") <= k).join(query_ids, on="query_id", how="semi")


def _matrix(frame: pl.DataFrame, query_ids: pl.DataFrame, ids: pl.Series, k: int) -> npt.NDArray[np.int64]:
    """Lists as codes (n_queries, k), -1 pads."""
    queries = query_ids.with_row_index("query")
    items = pl.DataFrame({"item_id": ids}).with_row_index("code")
    rows = frame.join(queries, on="query_id").join(items, on="item_id")
    codes = np.full((query_ids.height, k), -1, dtype=np.int64)
    codes[rows.get_column("query").to_numpy(), rows.get_column("rank").to_numpy() - 1] = rows.get_column(
        "code"
    ).to_numpy()
    return codes


def _result(
    check: Check,
    outcome: Outcome,
    ours: Float64,
    theirs: Float64,
    apart: Interval,
    relative: Interval,
    champion: str,
    confidence: float,
) -> Result:
    challenger, reference = (float(ours.mean()), float(theirs.mean())) if len(ours) else (float("nan"), float("nan"))
    where = f"{check.metric} of {people(check.segment)}"
    queries = f"{len(ours):,} quer{'y' if len(ours) == 1 else 'ies'}"
    if outcome == "too_few":
        sentence = f"{where}: {queries}, fewer than the {check.min_queries:,} that a judgement needs."
    else:
        value, low, high = difference_in_words(astuple(relative), astuple(apart))
        span = f"{confidence * 100:g} % interval {low} to {high}"
        figures = f"{number(challenger)} against {number(reference)} of {champion}, {value}"
        verdict = _WORDS[outcome].format(margin=f"{check.margin * 100:g} %")
        less = " (less is better)" if check.sign < 0 else ""
        sentence = f"{where}{less}: {figures} ({span}; {queries}): {verdict}."
    return Result(
        metric=check.metric,
        segment=check.segment,
        margin=check.margin,
        outcome=outcome,
        n_queries=len(ours),
        challenger=challenger,
        champion=reference,
        difference=apart,
        relative=relative,
        sentence=sentence,
    )
