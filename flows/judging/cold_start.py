"""Cold-start evaluation of a sealed bundle: users with long histories, truncated to the newest 0, 1, 3, 10 events."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from features.arrays import Bool, Int64
from features.positives import Positives
from flows.judging.contenders import Contenders, Test
from flows.judging.frozen import Judgement, codes_of
from flows.judging.truncated_features import write_features
from flows.project.dataset import Project
from models.data.truncation import newest, truncate
from models.evaluation.cold_start import users_with_long_histories, with_cold_start
from models.evaluation.evaluate import HISTORY_SIZES, Params

if TYPE_CHECKING:
    from models.recommender import Recommender

logger = logging.getLogger(__name__)


def with_history_sizes(
    project: Project, test: Test, contenders: Contenders, judged: Judgement, params: Params
) -> Judgement:
    """The judgement with a slice for each history size, for the challenger, the champion and popular.

    Features of users are those that the cut history would have left; items keep theirs, which do not depend on the
    user.
    """
    rule = Positives.of(params.targets)
    chosen = users_with_long_histories(judged.test_set, newest(test.history, HISTORY_SIZES[-1], rule, test.cut), params)
    if not chosen.any():
        return judged
    history = test.history.filter(pl.col("user_id").is_in(judged.test_set.user_ids[chosen].tolist()))
    popular = judged.lists["popular"][chosen]  # it knows no histories, only what is excluded
    lists_by_size: dict[int, dict[str, Int64]] = {}
    for n in HISTORY_SIZES:
        rows = newest(history, n, rule, test.cut)
        lists = {"challenger": popular, "champion": popular, "popular": popular}
        for recommenders in contenders.by_catalogue():
            lists |= _answers(project, recommenders, judged, chosen, n, rows, params)
        lists_by_size[n] = lists
    logger.info("cold start users=%d", int(chosen.sum()))
    return replace(
        judged, evaluation=with_cold_start(judged.evaluation, judged.test_set, chosen, lists_by_size, params)
    )


def _answers(
    project: Project,
    recommenders: Mapping[str, Recommender],
    judged: Judgement,
    chosen: Bool,
    n: int,
    rows: pl.DataFrame,
    params: Params,
) -> dict[str, Int64]:
    """What recommenders of one catalogue show to users of whom they know only the newest n acts.

    rows: these acts. By model (n_chosen, greatest k) item codes.
    """
    from models.together import recommend_together

    model, recommender = next(iter(recommenders.items()))
    catalogue = recommender.catalogue
    places = np.flatnonzero(chosen)
    queries = truncate(judged.queries[model], places, np.full(len(places), n))
    with tempfile.TemporaryDirectory(prefix="recops-cold-start-") as scratch:
        write_features(project.paths.features, Path(scratch), rows, catalogue)
        lookup = project.offline_lookup(catalogue, Path(scratch))
        cold = [replace(recommender, lookup=lookup) for recommender in recommenders.values()]
        slates = recommend_together(cold, queries, max(params.k))
    return {
        model: codes_of(judged.test_set, catalogue, slate.items)
        for model, slate in zip(recommenders, slates, strict=True)
    }
