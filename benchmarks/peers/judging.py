"""Judging for benchmarks.peers: the independent judge, paired intervals over users and the verdict."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.peers.past import Array, Int64
from benchmarks.peers.tasks import Case
from models.evaluation.evaluate import HEADLINE
from models.evaluation.intervals import Interval, bounds, resampled_means, sums_by_user


def independent_values(folder: Path, case: Case, lists: Int64) -> Array:
    """(n_judged, n_metrics) of lists for the test by the program evaluate.py of a folder (RECOPS_BENCH)."""
    described = importlib.util.spec_from_file_location("independent_evaluate", folder / "evaluate.py")
    if described is None or described.loader is None or not (folder / "evaluate.py").is_file():
        raise SystemExit(f"RECOPS_BENCH={folder}: no evaluate.py there; name a folder that has one, or unset it")
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    query, rank = np.nonzero(lists >= 0)
    answers = pl.DataFrame(
        {
            "user_id": case.test.names[query].astype(object),
            "item_id": case.test.item_ids[lists[query, rank]].astype(object),
            "rank": rank + 1,
        },
        schema_overrides={"user_id": pl.String, "item_id": pl.String},
    )
    _, each = module.evaluate(*(table.to_pandas() for table in (answers, case.seen, case.wanted)), per_user=True)
    return np.asarray(each[HEADLINE].sort_index()[list(case.metrics)].to_numpy())


@dataclass(frozen=True)
class Standing:
    """A model's means by metric, its NDCG@10 as a share of recops', and recops' lead over it with bounds."""

    values: tuple[float, ...]
    share: float
    lead: Interval


def standings(
    values: Mapping[str, Array], *, n_resamples: int, seed: int, confidence: float, owners: Int64 | None = None
) -> dict[str, Standing]:
    """Each model beside `recops`, by paired resamples of users; values: (n_queries, n_metrics) of the same queries.

    owners: (n_queries,) whose each query is, None where no user has two. Users are drawn with all of their queries
    (`sums_by_user`), and a mean is over queries.
    """
    models = list(values)
    table = np.stack([values[model][:, 0] for model in models], axis=1)
    drawn = resampled_means(of_users(table, owners), n_resamples, seed)
    drawn, means = drawn[:, :-1] / drawn[:, [-1]], table.mean(axis=0)
    ours = models.index("recops")
    shown = {}
    for place, model in enumerate(models):
        lead = Interval(float(means[ours] - means[place]), *bounds(drawn[:, ours] - drawn[:, place], confidence))
        share = float(means[place] / means[ours]) if means[ours] else float("nan")
        shown[model] = Standing(tuple(float(value) for value in values[model].mean(axis=0)), share, lead)
    return shown


def of_users(table: Array, owners: Int64 | None) -> Array:
    """`sums_by_user`; no owners: each row is of a user of its own, in this order."""
    return sums_by_user(table, np.arange(len(table)) if owners is None else owners)


def relative_leads(values: Mapping[str, Array], best: str, owners: Int64 | None = None) -> Array:
    """(n_users,) recops' lead in NDCG@10 over the best peer, over that one's mean: each user's share in the lead.

    With one query a user it is that user's own lead. With more it is the lead of all and what the user adds to it
    (influence values, Davison & Hinkley 1997, section 2.7), so that the mean over users is the mean over queries.
    """
    theirs = values[best][:, 0]
    sums, counts = of_users((values["recops"][:, 0] - theirs)[:, None], owners).T
    lead = sums.sum() / counts.sum()
    shares: Array = (lead + (sums - lead * counts) / counts.mean()) / theirs.mean()
    return shares


def verdict(shown: Mapping[str, Standing]) -> tuple[str, str]:
    """The peer with the highest NDCG@10 and what recops is beside it."""
    best = max((model for model in shown if model != "recops"), key=lambda model: shown[model].values[0])
    lead = shown[best].lead
    if lead.low > 0:
        return best, "superior"
    return best, "inferior" if lead.high < 0 else "not distinguishable"
