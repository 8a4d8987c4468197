"""The rolling protocol for peers: fitted before the cut, asked for every event of recops' own rolling judging with all
that precedes it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from benchmarks.peers.past import Array, Asked, Histories, Int64
from benchmarks.peers.tasks import Case, PeerTask, learned, read_parts
from features.errors import UserError
from features.positives import Positives
from flows.judging.contenders import read_test
from flows.project.dataset import Project
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.types import Targets
from models.data.vocabulary import Vocabulary
from models.evaluation.evaluate import Params
from models.evaluation.results import ROLLING
from models.evaluation.rolling import rolling_values

METRICS = ("ndcg@10", "hr@10")
VALID_EVENTS = 3_000  # of valid, by which settings are chosen


def read_rolling(project: Path, params: Params) -> Case:
    """Of the lists in rolling.parquet: one query an event, asked just before it.

    Raises:
        UserError: the project has not run, its split has no cut in time, or its rolling judging was another.
    """
    written = Project(project).paths.evaluation / "rolling.parquet"
    if not written.is_file():
        raise UserError(
            f"no file {written}; let `recops run` end there first, on data with times, split.scheme global_time and "
            "evaluate.rolling_events above 0 (params.yaml)"
        )
    answers = ROLLING.read(written)
    test, positives = read_test(Project(project)), Positives.of(params.targets)
    n_events, seed = params.rolling_events, params.seed
    events = rolling_events(test.history, test.part, n_events=n_events, seed=seed, positives=positives)
    strange = answers.join(events, on="query_id", how="anti")
    if events.is_empty() or not strange.is_empty():
        raise UserError(
            f"{written}: {strange.get_column('query_id').n_unique()} of its events are not those of params.yaml; run "
            "`dvc repro evaluate` there first"
        )
    train, valid = read_parts(project)
    chosen_by = rolling_events(train, valid, n_events=VALID_EVENTS, seed=seed, positives=positives)
    further = answers.get_column("item_id")
    asked = rolling(test.history, test.part, events, positives, further)
    return Case(
        METRICS,
        rolling(train, valid, chosen_by, positives),
        asked,
        _lists(asked, answers),
        _pairs(asked),
        events.select(pl.col("query_id").alias("user_id"), "item_id"),
    )


def rolling(
    history: pl.DataFrame,
    part: pl.DataFrame,
    events: pl.DataFrame,
    positives: Positives,
    further: pl.Series | None = None,
) -> PeerTask:
    """The sitting of some `rolling_events`; further: what else may be recommended."""
    events = events.sort("query_id")
    columns = [history.get_column("item_id"), part.get_column("item_id")]
    known = pl.concat(columns if further is None else [*columns, further]).unique()
    item_ids = np.unique(known.to_numpy().astype(np.str_))
    vocabulary = Vocabulary(item_ids.tolist())
    queries, targets = rolling_queries(events, history, part, vocabulary, positives=positives)
    excluded, past = queries.excluded, queries.history
    ones = np.ones(len(excluded.values), dtype=np.bool_)
    shape = (len(queries), len(item_ids))
    seen = sparse.csr_matrix((ones, excluded.values, excluded.offsets), shape=shape)
    histories = Histories(past.items.offsets, past.items.values.astype(np.int64), past.times)
    return PeerTask(
        events.get_column("query_id").to_numpy().astype(np.str_),
        item_ids,
        learned(history, positives, item_ids)[1],
        Asked(histories, seen),
        partial(event_values, targets),
        np.unique(queries.user_ids, return_inverse=True)[1],
    )


def event_values(targets: Targets, lists: Int64) -> Array:
    """(n_events, 2) METRICS, by our own judging."""
    values = rolling_values(lists.astype(np.int32), targets, [10])
    return np.stack([values[name] for name in METRICS], axis=1)


def _lists(asked: PeerTask, answers: pl.DataFrame) -> Int64:
    """(n_events, depth) codes of the rows of ROLLING, -1 pads."""
    lists = np.full((len(asked.names), int(answers.get_column("rank").to_numpy().max(initial=1))), -1, dtype=np.int64)
    query = np.searchsorted(asked.names, _text(answers, "query_id"))
    rank = answers.get_column("rank").to_numpy() - 1
    lists[query, rank] = np.searchsorted(asked.item_ids, _text(answers, "item_id"))
    return lists


def _pairs(asked: PeerTask) -> pl.DataFrame:
    """What each event's user has seen, and under a name of its own every item that peers may recommend."""
    query, item = asked.asked.seen.nonzero()
    known = np.flatnonzero(np.asarray(asked.past.chosen.sum(axis=0)).ravel())
    names, ids = pl.Series(asked.names.tolist(), dtype=pl.String), pl.Series(asked.item_ids.tolist(), dtype=pl.String)
    whose = pl.concat([names.gather(query), pl.Series(["known"], dtype=pl.String).new_from_index(0, len(known))])
    return pl.DataFrame({"user_id": whose, "item_id": ids.gather(np.concatenate([item, known]))})


def _text(frame: pl.DataFrame, column: str) -> npt.NDArray[np.str_]:
    return frame.get_column(column).to_numpy().astype(np.str_)
