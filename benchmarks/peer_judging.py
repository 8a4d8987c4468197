"""Judging for benchmarks.peers: what peers learn from, figures of each user, paired intervals and the verdict."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from benchmarks.peer_models import Array, Int64, Past
from features.positives import Positives
from models.evaluation import HEADLINE, Params, headline_accuracy
from models.exam import Exam, make_exam
from models.interfaces import MICROSECONDS_A_DAY
from models.intervals import Interval, bounds, resampled_means

METRICS = ("ndcg@10", "recall@10", "hr@10")


@dataclass(frozen=True)
class Sitting:
    """A part to be answered: the exam, what peers know before it, and the rows (seen, wanted) that it was made from."""

    exam: Exam
    past: Past
    seen: pl.DataFrame
    wanted: pl.DataFrame


def sitting(
    history: pl.DataFrame, part: pl.DataFrame, positives: Positives, items: pl.DataFrame | None, further: list[str]
) -> Sitting:
    """A sitting from rows of INTERACTIONS before a part and in it."""
    seen = history.filter(pl.col("event").ne_missing("impression"))
    wanted = part.filter(positives.where())
    exam = make_exam(seen, wanted, items, further_items=further)
    rows = history.filter(positives.where())
    user_ids, users = np.unique(rows.get_column("user_id").to_numpy().astype(np.str_), return_inverse=True)
    codes = exam.codes(rows.get_column("item_id").to_numpy().astype(np.str_))
    times = rows.get_column("timestamp").dt.epoch("us").to_numpy()
    n_items = len(exam.item_ids)
    order = np.lexsort((times, users * n_items + codes))
    keys = (users * n_items + codes)[order]
    last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
    users, codes, times = (column[order][last] for column in (users, codes, times))
    shape = (len(user_ids), n_items)
    chosen = sparse.csr_matrix((np.ones(len(users), dtype=np.float32), (users, codes)), shape=shape)
    ages = (times.max(initial=0) - times) / MICROSECONDS_A_DAY
    place = np.minimum(np.searchsorted(user_ids, exam.user_ids), max(len(user_ids) - 1, 0))
    asked = np.where(user_ids[place] == exam.user_ids, place, -1) if len(user_ids) else np.full(len(exam), -1)
    return Sitting(exam, Past(chosen, ages, asked, _seen(exam, seen)), seen, wanted)


def _seen(exam: Exam, rows: pl.DataFrame) -> Any:
    """(n_queries, n_items) CSR of what each asked user has seen."""
    asked = pl.DataFrame({"user_id": exam.user_ids.astype(object), "query": np.arange(len(exam))})
    rows = rows.select("user_id", "item_id").unique().join(asked.cast({"user_id": pl.String}), on="user_id")
    codes = exam.codes(rows.get_column("item_id").to_numpy().astype(np.str_))
    pairs = (np.ones(len(codes), dtype=np.bool_), (rows.get_column("query").to_numpy(), codes))
    return sparse.csr_matrix(pairs, shape=(len(exam), len(exam.item_ids)))


def warm_values(exam: Exam, lists: Int64) -> Array:
    """(n_warm, 3) METRICS of each query of the headline: users and items with history; by our own judging."""
    values = headline_accuracy(exam, lists, [10], Params())
    return np.stack([values[name] for name in METRICS], axis=1)


def independent_values(folder: Path, asked: Sitting, lists: Int64) -> Array:
    """The same by the program evaluate.py of a folder (RECOPS_BENCH)."""
    described = importlib.util.spec_from_file_location("independent_evaluate", folder / "evaluate.py")
    if described is None or described.loader is None or not (folder / "evaluate.py").is_file():
        raise SystemExit(f"RECOPS_BENCH={folder}: no evaluate.py there; name a folder that has one, or unset it")
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    query, rank = np.nonzero(lists >= 0)
    exam = asked.exam
    answers = pl.DataFrame(
        {
            "user_id": exam.user_ids[query].astype(object),
            "item_id": exam.item_ids[lists[query, rank]].astype(object),
            "rank": rank + 1,
        },
        schema_overrides={"user_id": pl.String, "item_id": pl.String},
    )
    ids = ["user_id", "item_id"]
    tables = (answers, asked.seen.select(ids), asked.wanted.select(ids))
    _, each = module.evaluate(*(table.to_pandas() for table in tables), per_user=True)
    return np.asarray(each[HEADLINE].sort_index()[list(METRICS)].to_numpy())


@dataclass(frozen=True)
class Standing:
    """A model's means by METRICS, its NDCG@10 as a share of recops', and recops' lead over it with bounds."""

    values: tuple[float, ...]
    share: float
    lead: Interval


def standings(values: Mapping[str, Array], *, n_resamples: int, seed: int, confidence: float) -> dict[str, Standing]:
    """Each model beside `recops`, by paired resamples of users; values: (n_users, 3) of one and the same users."""
    models = list(values)
    table = np.stack([values[model][:, 0] for model in models], axis=1)
    drawn, means = resampled_means(table, n_resamples, seed), table.mean(axis=0)
    ours = models.index("recops")
    shown = {}
    for place, model in enumerate(models):
        lead = Interval(float(means[ours] - means[place]), *bounds(drawn[:, ours] - drawn[:, place], confidence))
        share = float(means[place] / means[ours]) if means[ours] else float("nan")
        shown[model] = Standing(tuple(float(value) for value in values[model].mean(axis=0)), share, lead)
    return shown


def verdict(shown: Mapping[str, Standing]) -> tuple[str, str]:
    """The peer with the highest NDCG@10 and what recops is beside it."""
    best = max((model for model in shown if model != "recops"), key=lambda model: shown[model].values[0])
    lead = shown[best].lead
    if lead.low > 0:
        return best, "superior"
    return best, "inferior" if lead.high < 0 else "not distinguishable"
