"""Rolling evaluation of a sealed bundle: its weights are fixed at the cutoff, its users' histories are live."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from features.positives import Positives
from flows.judging.contenders import Contenders, Test, in_parts
from models.data.rolling_queries import rolling_events, rolling_queries
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
    vocabulary = contenders.challenger.catalogue.vocabulary
    queries, targets = rolling_queries(events, test.history, test.part, vocabulary, positives=rule)
    lists, _ = in_parts(contenders.challenger, queries, DEPTH)
    values = {"challenger": rolling_values(lists, targets, params.k)}
    if contenders.champion is not None:
        values["champion"] = _values(contenders.champion, events, test, params, rule)
    singles = {"popular": contenders.popular.retrieve(queries, DEPTH).items} | contenders.singles(queries, DEPTH)
    values |= {model: rolling_values(items, targets, params.k) for model, items in singles.items()}
    figures = rolling_figures(
        queries.user_ids, values, n_resamples=params.bootstrap, seed=params.seed, confidence=params.confidence
    )
    logger.info("rolling events=%d users=%d", events.height, events.get_column("user_id").n_unique())
    return Rolling(rolling_table(events, lists, vocabulary), figures)


def _values(
    champion: Recommender, events: pl.DataFrame, test: Test, params: Params, rule: Positives
) -> dict[str, npt.NDArray[np.float64]]:
    """A recommender's metrics on the events, which it answers in its own vocabulary."""
    queries, targets = rolling_queries(events, test.history, test.part, champion.catalogue.vocabulary, positives=rule)
    lists, _ = in_parts(champion, queries, DEPTH)
    return rolling_values(lists, targets, params.k)
