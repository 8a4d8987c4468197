"""Evaluation: every model's lists on one test set → metrics per query, slices, intervals, list properties, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Bool, Float64, Int64
from models.evaluation.beyond_accuracy import list_properties, list_values, serendipity
from models.evaluation.intervals import bounds, ratio_less_one, resampled_means
from models.evaluation.metrics import accuracy, metric_names, recall_curve, target_positions
from models.evaluation.test_set import TestSet

# what each slice is, in words that stand in reports
SLICES = {
    "warm": "users with history, items with history (the headline)",
    "warm_all": "users with history, all their targets",
    "all": "every user, all their targets",
    "cold_users": "users without history",
    "new_users": "users with few or no items in their history",
    "light_users": "users between new and heavy",
    "heavy_users": "users with a long history",
    "new_items": "users with history, targets that nobody had before the cut",
    "tail_items": "users with history, targets among the least popular items",
}
HEADLINE = "warm"
# cold start: with how many events of their history the same users are asked again (models/evaluation/cold_start.py)
HISTORY_SIZES = (0, 1, 3, 10)


def history_slice(n: int) -> str:
    """The name of the slice of a history size."""
    return f"history_{n}"


SLICES |= {
    history_slice(n): f"users with long histories, truncated to the newest {n}: warm targets" for n in HISTORY_SIZES
}


class Params(BaseModel):
    """How recommendations are judged."""

    model_config = ConfigDict(extra="forbid")

    targets: list[str] | None = Field(None, min_length=1)
    """Kinds of events that are positive, in training and judging; null: all but cancel, not_recommend, impression."""
    max_users: int = Field(10_000, ge=1)
    """Users of the test part who are judged; of more, a seeded sample. Higher narrows the intervals and costs time, and
    about 50 kB of memory a user."""
    rolling_events: int = Field(10_000, ge=0)
    """Events of the test part asked one by one with live histories, a seeded sample; 0: none."""
    cold_start_users: int = Field(1000, ge=0)
    """Users with long histories who are asked again with short ones, a seeded sample; 0: none."""
    learning_curve: list[str] = ["popular", "item_knn", "ease"]
    """Retrievers fitted again on the newest quarter and half of the log, to tell whether data are short; []: none."""
    k: list[int] = Field([10, 20], min_length=1)
    """Cuts of the metrics; the first is the one of list properties and figures, mrr is cut at the largest."""
    depth: int = Field(100, ge=1)
    """Items recommended to each test query, in recommendations.parquet and in the curve of recall."""
    bootstrap: int = Field(1000, ge=100)
    """Paired resamples of users for the intervals; more steadies their last digit and costs time."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Share of such intervals that hold the truth, both sides together."""
    example_users: int = Field(4, ge=0)
    """Users whose histories and lists the html report shows in titles, without their ids; 0: none."""
    seed: int = Field(1, ge=0)
    """Of the resampling and the samples."""
    new_user_items: int = Field(4, ge=0)
    """Users with at most so many items in their history are the slice new_users."""
    heavy_user_items: int = Field(50, ge=1)
    """Users with at least so many are heavy_users; light_users are those between."""
    tail_share: float = Field(0.8, gt=0, lt=1)
    """Share of the items with history, the least popular (and all as popular as the last of them): slice tail_items."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What all models did on one test set.

    per_query: user_id, model, slice, n_history, n_targets, the metrics, and for slice `warm` the list properties;
    summary: model, slice, metric, n_queries, value, low, high; list properties under slice `warm`, those of a
    whole set of lists (coverage, gini) without bounds;
    differences: model (the challenger against it), slice, metric, n_queries, difference, low, high, relative,
    relative_low, relative_high; curves: model, k, recall (headline);
    sampled_from: users of the test part, where the judged ones are a sample of them, else None.
    """

    models: tuple[str, ...]
    per_query: pl.DataFrame
    summary: pl.DataFrame
    differences: pl.DataFrame
    curves: pl.DataFrame
    sampled_from: int | None = None

    def value(self, model: str, metric: str, segment: str = HEADLINE) -> float:
        """One figure of the summary, NaN where there is none."""
        rows = self.summary.filter(model=model, metric=metric, slice=segment)
        return float(rows.get_column("value")[0]) if rows.height else float("nan")


def slices_of(test_set: TestSet, params: Params) -> dict[str, tuple[Bool, Bool]]:
    """Slice → (which targets count, which queries count)."""
    with_history = test_set.popularity > 0
    rising = np.sort(test_set.popularity[with_history])
    border = rising[max(0, round(params.tail_share * len(rising)) - 1)] if len(rising) else 0
    tail = with_history & (test_set.popularity <= border)
    targets = test_set.targets.values
    n, everyone = test_set.n_history, np.ones(len(test_set), dtype=np.bool_)
    every, warm = np.ones(len(targets), dtype=np.bool_), n > 0
    new, heavy = n <= params.new_user_items, n >= max(params.heavy_user_items, params.new_user_items + 1)
    return {
        "warm": (with_history[targets], warm),
        "warm_all": (every, warm),
        "all": (every, everyone),
        "cold_users": (every, ~warm),
        "new_users": (every, new),
        "light_users": (every, ~new & ~heavy),
        "heavy_users": (every, heavy),
        "new_items": (~with_history[targets], warm),
        "tail_items": (tail[targets], warm),
    }


def headline_accuracy(test_set: TestSet, lists: Int64, cuts: Sequence[int], params: Params) -> dict[str, Float64]:
    """Each metric of `accuracy` of the queries that the headline judges, (n_chosen,); lists: as in `evaluate`."""
    wanted, counted = slices_of(test_set, params)[HEADLINE]
    n_targets = np.bincount(test_set.targets.owners[wanted], minlength=len(test_set)) * counted
    positions = target_positions(lists, test_set.targets)
    hits = (positions >= 0) & np.append(wanted, False)[positions]
    return {name: values[n_targets > 0] for name, values in accuracy(hits, n_targets, cuts).items()}


def evaluate(test_set: TestSet, lists: Mapping[str, Int64], params: Params) -> Evaluation:
    """Judges each model's lists (n_queries, depth) of item codes, best first, -1 pads; the challenger comes first.

    Queries without a target of a slice are no part of it; the same users are resampled for all models.
    """
    k = params.k[0]
    models = tuple(lists)
    cuts = sorted(params.k)
    positions = {model: target_positions(lists[model], test_set.targets) for model in models}
    properties = {model: list_values(test_set, lists[model], k) for model in models}
    owners = test_set.targets.owners
    queries, summary, differences, curves = [], [], [], []
    for name, (wanted, counted) in slices_of(test_set, params).items():
        n_targets = np.bincount(owners[wanted], minlength=len(test_set)) * counted
        chosen = n_targets > 0
        hits = {model: (target >= 0) & np.append(wanted, False)[target] for model, target in positions.items()}
        values = {model: accuracy(hits[model], n_targets, cuts) for model in models}
        if name == HEADLINE:
            for model in models:
                values[model] |= properties[model]
                if "popular" in lists:
                    values[model][f"serendipity@{k}"] = serendipity(lists[model], lists["popular"], hits[model], k)
                curves.append(_curve(model, recall_curve(hits[model], n_targets)))
        table = {model: np.stack([column[chosen] for column in values[model].values()], axis=1) for model in models}
        names = list(values[models[0]])
        queries += [queries_of(test_set, model, name, n_targets, chosen, names, table[model]) for model in models]
        first_summary, first_differences = figures_of(models, name, names, table, params)
        if name == HEADLINE and chosen.any():
            sets = {model: list_properties(test_set, lists[model], k, chosen, properties[model]) for model in models}
            first_summary = _with_sets(first_summary, sets, int(chosen.sum()))
        summary.append(first_summary)
        differences.append(first_differences)
    return Evaluation(
        models=models,
        per_query=pl.concat(queries, how="diagonal"),
        summary=pl.concat(summary),
        differences=pl.concat(differences),
        curves=pl.concat(curves),
    )


def _curve(model: str, recalls: Float64) -> pl.DataFrame:
    return pl.DataFrame({"model": [model] * len(recalls), "k": np.arange(1, len(recalls) + 1), "recall": recalls})


def queries_of(
    test_set: TestSet, model: str, segment: str, n_targets: Int64, chosen: Bool, names: Sequence[str], table: Float64
) -> pl.DataFrame:
    """Rows of per_query; n_targets, chosen: (n_queries,) of the test set; table: (n_chosen, n_metrics)."""
    columns = {name: table[:, column] for column, name in enumerate(names)}
    return pl.DataFrame(
        {
            "query_id": test_set.user_ids[chosen].astype(object),
            "model": pl.Series([model] * int(chosen.sum()), dtype=pl.String),
            "slice": pl.Series([segment] * int(chosen.sum()), dtype=pl.String),
            "n_history": test_set.n_history[chosen],
            "n_targets": n_targets[chosen],
            **columns,
        },
        schema_overrides={"query_id": pl.String},
    ).with_columns(pl.col(names).fill_nan(None))


def figures_of(
    models: Sequence[str], segment: str, names: Sequence[str], table: Mapping[str, Float64], params: Params
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Means with bounds of every model and metric of a segment, and the challenger's paired differences."""
    n_queries = len(table[models[0]])
    width = len(names)
    # a property that some list does not have (NaN) is averaged over the lists that have it
    flat = (
        np.concatenate([table[model] for model in models], axis=1) if n_queries else np.zeros((0, width * len(models)))
    )
    there = ~np.isnan(flat)
    sums, counts = np.where(there, flat, 0.0), there.astype(np.float64)
    means = _ratio(sums.sum(axis=0), counts.sum(axis=0))
    if there.all():
        resampled = resampled_means(sums, params.bootstrap, params.seed)
    else:
        both = resampled_means(np.concatenate([sums, counts], axis=1), params.bootstrap, params.seed)
        resampled = _ratio(both[:, : sums.shape[1]], both[:, sums.shape[1] :])
    figures, differences = [], []
    for model_number, model in enumerate(models if n_queries else ()):
        for column, name in enumerate(names):
            ours, theirs = column, model_number * width + column
            low, high = bounds(resampled[:, theirs], params.confidence)
            figures.append((model, segment, name, n_queries, float(means[theirs]), low, high))
            if model_number:
                spread = bounds(resampled[:, ours] - resampled[:, theirs], params.confidence)
                relative = bounds(ratio_less_one(resampled[:, ours], resampled[:, theirs]), params.confidence)
                middle = float(ratio_less_one(means[ours], means[theirs]))
                apart = float(means[ours] - means[theirs])
                differences.append((model, segment, name, n_queries, apart, *spread, middle, *relative))
    return (
        pl.DataFrame(figures, schema=_SUMMARY, orient="row"),
        pl.DataFrame(differences, schema=_DIFFERENCES, orient="row"),
    )


_SUMMARY = {
    "model": pl.String,
    "slice": pl.String,
    "metric": pl.String,
    "n_queries": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
_EXACT = {**dict.fromkeys(("model", "slice", "metric"), pl.String), "exact": pl.Float64}
_DIFFERENCES = {
    **dict.fromkeys(("model", "slice", "metric"), pl.String),
    "n_queries": pl.Int64,
    **dict.fromkeys(("difference", "low", "high", "relative", "relative_low", "relative_high"), pl.Float64),
}


def _ratio(above: Float64, below: Float64) -> Float64:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def _with_sets(summary: pl.DataFrame, sets: Mapping[str, Mapping[str, float]], n_queries: int) -> pl.DataFrame:
    """The summary with figures over whole sets of lists: new rows, or the value that weighs every slot alike."""
    rows = [(model, HEADLINE, name, value) for model, figures in sets.items() for name, value in figures.items()]
    exact = pl.DataFrame(rows, schema=_EXACT, orient="row")
    merged = summary.join(
        exact, on=["model", "slice", "metric"], how="full", coalesce=True, maintain_order="left_right"
    )
    return merged.select(
        "model",
        "slice",
        "metric",
        pl.col("n_queries").fill_null(n_queries),
        pl.coalesce("exact", "value").alias("value"),
        "low",
        "high",
    )


def metric_columns(params: Params) -> list[str]:
    """Names of the accuracy metrics, in order."""
    return metric_names(params.k)
