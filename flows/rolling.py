"""Rolling judging of a sealed bundle: its weights are fixed at the cut, its users' histories are live."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.errors import UserError
from features.positives import Positives
from features.schema import LOG
from flows.judging import Source, Test, read_test
from flows.lookups import offline_lookup
from models.bundle import MANIFEST, unseal
from models.evaluation import Params
from models.interfaces import Catalogue, Int32, Queries
from models.logs import make_log
from models.queries import Targets
from models.retrievers.popular import Popular
from models.rolling import DEPTH, rolling_events, rolling_queries, rolling_table, rolling_values
from models.rolling_report import rolling_figures

logger = logging.getLogger(__name__)

FIGURES = "rolling_figures.parquet"
QUERIES_AT_ONCE = 2_000  # whose candidates' features are in memory together


@dataclass(frozen=True)
class Rolling:
    """recommendations: ROLLING, the challenger's lists; figures: see `rolling_figures`."""

    recommendations: pl.DataFrame
    figures: pl.DataFrame


def judge_rolling(root: Path, bundle: Path, params: Params, source: Source) -> Rolling | None:
    """Every model on a sample of the test part's events; None where the split has no cut in time, or none are asked."""
    test = read_test(root)
    if test.cut is None or not params.rolling_events:
        return None
    rule = Positives.of(params.targets)
    events = rolling_events(test.history, test.part, n_events=params.rolling_events, seed=params.seed, positives=rule)
    if events.is_empty():
        return None
    catalogue, queries, targets = _asked(bundle, test, events, rule)
    lists, singles = _lists(root, bundle, catalogue, queries)
    values = {"challenger": rolling_values(lists, targets, params.k)}
    champion = root / source.reference / "champion"
    if (champion / MANIFEST).is_file():
        unseal(champion)
        try:
            theirs, asked, wanted = _asked(champion, test, events, rule)
            values["champion"] = rolling_values(_lists(root, champion, theirs, asked)[0], wanted, params.k)
        except UserError as error:  # made by other code: features or parts that are no more
            logger.warning("champion cannot be run by this code: %s", error)
    rows = LOG.read(root / "data" / "log" / "full.parquet")
    popular = Popular().fit(make_log(rows, catalogue.vocabulary, positives=rule), catalogue)
    values["popular"] = rolling_values(popular.retrieve(queries, DEPTH).items, targets, params.k)
    values |= {model: rolling_values(items, targets, params.k) for model, items in singles.items()}
    figures = rolling_figures(
        queries.user_ids, values, n_resamples=params.bootstrap, seed=params.seed, confidence=params.confidence
    )
    logger.info("rolling events=%d users=%d", events.height, events.get_column("user_id").n_unique())
    return Rolling(rolling_table(events, lists, catalogue.vocabulary), figures)


def _asked(bundle: Path, test: Test, events: pl.DataFrame, rule: Positives) -> tuple[Catalogue, Queries, Targets]:
    from models.recommender import load_catalogue

    catalogue = load_catalogue(bundle)
    return catalogue, *rolling_queries(events, test.history, test.part, catalogue.vocabulary, positives=rule)


def _lists(root: Path, bundle: Path, catalogue: Catalogue, queries: Queries) -> tuple[Int32, dict[str, Int32]]:
    """The recommender's lists (n_events, DEPTH) and those of each of its retrievers."""
    from models.recommender import Recommender

    recommender = Recommender.load(bundle, offline_lookup(root, catalogue))
    parts = [
        queries.part(start, min(start + QUERIES_AT_ONCE, len(queries)))
        for start in range(0, len(queries), QUERIES_AT_ONCE)
    ]
    lists = np.concatenate([recommender.recommend(part, DEPTH).items for part in parts])
    singles = {
        f"retriever:{name}": retriever.retrieve(queries, DEPTH).items
        for name, retriever in sorted(recommender.retrievers.items())
    }
    return lists, {name: alone for name, alone in singles.items() if (alone >= 0).any()}
