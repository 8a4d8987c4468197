"""Cold start: the same queries as if only the newest few events of each user's history had been recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from features.arrays import Bool, Int64
from models.data.ragged import Ragged
from models.evaluation.evaluate import (
    HEADLINE,
    HISTORY_SIZES,
    Evaluation,
    Params,
    figures_of,
    history_slice,
    queries_of,
    slices_of,
)
from models.evaluation.metrics import accuracy, target_positions
from models.evaluation.test_set import TestSet


def users_with_long_histories(test_set: TestSet, history: pl.DataFrame, params: Params) -> Bool:
    """(n_queries,) whose queries are repeated: a seeded sample of the users with a target of the headline slice and a
    history at least as long as the greatest size; history: of `newest` with that many."""
    long = history.group_by("user_id").len().filter(pl.col("len") >= HISTORY_SIZES[-1]).get_column("user_id")
    wanted, warm = slices_of(test_set, params)[HEADLINE]
    able = warm & (np.bincount(test_set.targets.owners[wanted], minlength=len(test_set)) > 0)
    able &= np.isin(test_set.user_ids, long.to_numpy().astype(np.str_))
    places = np.flatnonzero(able)
    drawn = np.random.default_rng(params.seed).permutation(places)[: params.cold_start_users]
    return np.isin(np.arange(len(test_set)), drawn)


def with_cold_start(
    evaluation: Evaluation,
    test_set: TestSet,
    chosen: Bool,
    lists_by_size: Mapping[int, Mapping[str, Int64]],
    params: Params,
) -> Evaluation:
    """The evaluation with a slice for each history size, in the headline's targets.

    chosen: of `users_with_long_histories`; lists_by_size: number of events → model →
    lists (n_chosen, depth) of item codes, best first, -1 pads;
    the challenger comes first.
    """
    wanted, _ = slices_of(test_set, params)[HEADLINE]
    owners = test_set.targets.owners
    n_targets = np.bincount(owners[wanted], minlength=len(test_set)).astype(np.int64)
    kept = wanted & chosen[owners]
    places = np.flatnonzero(chosen)
    new_owners = np.searchsorted(places, owners[kept])
    targets = Ragged.grouped(new_owners, len(places), test_set.targets.values[kept])
    queries, summary, differences = [evaluation.per_query], [evaluation.summary], [evaluation.differences]
    for n, lists in lists_by_size.items():
        values = {
            model: accuracy(target_positions(items, targets) >= 0, n_targets[chosen], params.k)
            for model, items in lists.items()
        }
        table = {model: np.stack(list(columns.values()), axis=1) for model, columns in values.items()}
        names = list(next(iter(values.values())))
        for model in lists:
            rows = queries_of(test_set, model, history_slice(n), n_targets, chosen, names, table[model])
            queries.append(rows.with_columns(pl.lit(n, dtype=pl.Int64).alias("n_history")))
        figures, apart = figures_of(tuple(lists), history_slice(n), names, table, params)
        summary.append(figures)
        differences.append(apart)
    return replace(
        evaluation,
        per_query=pl.concat(queries, how="diagonal"),
        summary=pl.concat(summary),
        differences=pl.concat(differences),
    )
