"""A part to be answered by peers: what is asked, what is known by then, and what answers are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from benchmarks.peers.past import Array, Asked, Histories, Int64, Past
from features.errors import UserError
from features.positives import Positives
from features.schema import INTERACTIONS
from flows.judging.contenders import read_test
from flows.project.dataset import Project
from models.evaluation.evaluate import Params, headline_accuracy
from models.evaluation.results import RECOMMENDATIONS
from models.evaluation.test_set import TestSet, make_test_set

METRICS = ("ndcg@10", "recall@10", "hr@10")


@dataclass(frozen=True)
class PeerTask:
    """names: (n_queries,) ascending; item_ids: (n_items,) of the codes; values: lists (n_queries, depth) of codes → the
    metrics (n_judged, n_metrics); owners: (n_judged,) whose each query is, None where no user has two."""

    names: npt.NDArray[np.str_]
    item_ids: npt.NDArray[np.str_]
    past: Past
    asked: Asked
    values: Callable[[Int64], Array]
    owners: Int64 | None = None


@dataclass(frozen=True)
class Case:
    """All that a comparison needs: valid for the choice of settings, test, and recops' own lists for it.

    seen, wanted: rows user_id, item_id of what precedes the test and of its targets, for another judge; what this one
    calls a user is a query: user_id holds its name.
    """

    metrics: tuple[str, ...]
    valid: PeerTask
    test: PeerTask
    ours: Int64
    seen: pl.DataFrame
    wanted: pl.DataFrame


def read_frozen(project: Path, params: Params) -> Case:
    """Of the lists in recommendations.parquet: one query a user, asked at the cut.

    Raises:
        UserError: the project has not run.
    """
    written = Project(project).paths.evaluation / "recommendations.parquet"
    if not written.is_file():
        raise UserError(f"no file {written}; let `recops run` end there first")
    recommendations = RECOMMENDATIONS.read(written)
    test, positives = read_test(Project(project)), Positives.of(params.targets)
    train, valid = read_parts(project)
    further = recommendations.get_column("item_id").unique().to_list()
    test_set = frozen_exam(test.history, test.part, positives, test.items, further)
    return Case(
        METRICS,
        frozen(frozen_exam(train, valid, positives, test.items, []), train, positives),
        frozen(test_set, test.history, positives),
        test_set.lists(recommendations),
        seen_rows(test.history).select("user_id", "item_id"),
        test.part.filter(positives.where()).select("user_id", "item_id"),
    )


def read_parts(project: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Train and valid."""
    train, valid = (INTERACTIONS.read(project / "data" / "split" / f"{name}.parquet") for name in ("train", "valid"))
    return train, valid


def frozen_exam(
    history: pl.DataFrame, part: pl.DataFrame, positives: Positives, items: pl.DataFrame | None, further: list[str]
) -> TestSet:
    """The test set on rows of INTERACTIONS before a part and in it."""
    return make_test_set(seen_rows(history), part.filter(positives.where()), items, further_items=further)


def frozen(test_set: TestSet, history: pl.DataFrame, positives: Positives) -> PeerTask:
    """The sitting of a test set that was made from that history."""
    user_ids, past = learned(history, positives, test_set.item_ids)
    place = np.minimum(np.searchsorted(user_ids, test_set.user_ids), max(len(user_ids) - 1, 0))
    known = user_ids[place] == test_set.user_ids if len(user_ids) else np.zeros(len(test_set), dtype=np.bool_)
    rows = np.where(known, place, -1)
    asked = Asked(past.histories.take(rows), _seen(test_set, seen_rows(history)), rows)
    return PeerTask(test_set.user_ids, test_set.item_ids, past, asked, partial(warm_values, test_set))


def learned(
    history: pl.DataFrame, positives: Positives, item_ids: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[np.str_], Past]:
    """The users with a positive row, ascending, and what peers learn from them; item_ids: ascending, all that occur."""
    rows = history.filter(positives.where())
    user_ids, users = np.unique(rows.get_column("user_id").to_numpy().astype(np.str_), return_inverse=True)
    items = np.searchsorted(item_ids, rows.get_column("item_id").to_numpy().astype(np.str_))
    times = rows.get_column("timestamp").dt.epoch("us").to_numpy()
    return user_ids, Past.of(Histories.of(users, items, times, len(user_ids)), len(item_ids))


def seen_rows(history: pl.DataFrame) -> pl.DataFrame:
    """The rows whose items are not recommended again."""
    return history.filter(pl.col("event").ne_missing("impression"))


def warm_values(test_set: TestSet, lists: Int64) -> Array:
    """(n_warm, 3) METRICS of each query of the headline: users and items with history; by our own judging."""
    values = headline_accuracy(test_set, lists, [10], Params())
    return np.stack([values[name] for name in METRICS], axis=1)


def _seen(test_set: TestSet, rows: pl.DataFrame) -> Any:
    """(n_queries, n_items) CSR of what each asked user has seen."""
    asked = pl.DataFrame({"user_id": test_set.user_ids.astype(object), "query": np.arange(len(test_set))})
    rows = rows.select("user_id", "item_id").unique().join(asked.cast({"user_id": pl.String}), on="user_id")
    codes = test_set.codes(rows.get_column("item_id").to_numpy().astype(np.str_))
    pairs = (np.ones(len(codes), dtype=np.bool_), (rows.get_column("query").to_numpy(), codes))
    return sparse.csr_matrix(pairs, shape=(len(test_set), len(test_set.item_ids)))
