"""Rolling evaluation of a sealed bundle: its weights are fixed at the cutoff, its users' histories are live."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Int32
from features.positives import Positives
from flows.judging.contenders import Contenders, Test, in_parts
from flows.judging.frozen import MAIN
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.types import Queries, Targets
from models.evaluation.evaluate import Params
from models.evaluation.rolling import DEPTH, rolling_table, rolling_values
from models.reports.rolling_table import rolling_figures

if TYPE_CHECKING:
    from models.recommender import Recommender

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rolling:
    """recommendations: ROLLING, the challenger's lists; figures: metrics, see `rolling_figures`."""

    recommendations: pl.DataFrame
    figures: pl.DataFrame


def judge_rolling(test: Test, contenders: Contenders, params: Params) -> Rolling | None:
    """Every model on a sample of the test part's events; None where there is no cutoff in time or no event."""
    if test.cut is None or not params.rolling_events:
        return None
    rule = Positives.of(params.targets)
    events = rolling_events(test.history, test.part, n_events=params.rolling_events, seed=params.seed, positives=rule)
    if events.is_empty():
        return None
    values: dict[str, Mapping[str, npt.NDArray[np.float64]]] = {}
    (queries, targets, shown), *others = (
        _asked(recommenders, events, test, rule) for recommenders in contenders.by_catalogue()
    )
    shown["popular"] = contenders.popular.retrieve(queries, DEPTH).items
    for _, own_targets, lists in ((queries, targets, shown), *others):
        values |= {model: rolling_values(items, own_targets, params.k) for model, items in lists.items()}
    values = {
        model: values[model]
        for model in (*(name for name in MAIN if name in values), *sorted(values.keys() - set(MAIN)))
    }
    figures = rolling_figures(
        queries.user_ids, values, n_resamples=params.bootstrap, seed=params.seed, confidence=params.confidence
    )
    logger.info("rolling events=%d users=%d", events.height, events.get_column("user_id").n_unique())
    return Rolling(rolling_table(events, shown["challenger"], contenders.challenger.catalogue.vocabulary), figures)


def _asked(
    recommenders: Mapping[str, Recommender], events: pl.DataFrame, test: Test, positives: Positives
) -> tuple[Queries, Targets, dict[str, Int32]]:
    """The events as queries of the one catalogue of the recommenders, and the lists that `in_parts` makes."""
    vocabulary = next(iter(recommenders.values())).catalogue.vocabulary
    queries, targets = rolling_queries(events, test.history, test.part, vocabulary, positives=positives)
    lists = in_parts(recommenders, queries, DEPTH)
    return queries, targets, {model: items for model, (items, _) in lists.items()}
