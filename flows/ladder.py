"""The cold ladder of a sealed bundle: what it makes of the newest 0, 1, 3, 10 acts of users who have done more."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from features.aggregates import ITEM_STATS, USER_CATEGORY_STATS, USER_STATS, arrivals, positives_of, state_rows
from features.positives import Positives
from flows.contenders import Contenders, Test
from flows.judging import Judgement, codes_of
from flows.lookups import FEATURES, offline_lookup
from models.evaluation import RUNGS, Params
from models.interfaces import Bool, Catalogue, Int64
from models.ladder import climbers, newest, shortened, with_ladder

if TYPE_CHECKING:
    from models.recommender import Recommender

logger = logging.getLogger(__name__)


def with_rungs(root: Path, test: Test, contenders: Contenders, judged: Judgement, params: Params) -> Judgement:
    """The judgement with the slices of the ladder, for the challenger, the champion and popular.

    Features of users are those that the cut history would have left; items keep theirs, they do not know who asks.
    """
    rule = Positives.of(params.targets)
    chosen = climbers(judged.exam, newest(test.history, RUNGS[-1], rule, test.cut), params)
    if not chosen.any():
        return judged
    history = test.history.filter(pl.col("user_id").is_in(judged.exam.user_ids[chosen].tolist()))
    popular = judged.lists["popular"][chosen]  # it knows no histories, only what is excluded
    rungs: dict[int, dict[str, Int64]] = {}
    for n in RUNGS:
        rows = newest(history, n, rule, test.cut)
        asked = {"challenger": contenders.challenger, "champion": contenders.champion}
        rungs[n] = {
            model: popular if recommender is None else _answer(root, recommender, judged, model, chosen, rows, params)
            for model, recommender in asked.items()
        } | {"popular": popular}
    logger.info("ladder users=%d", int(chosen.sum()))
    return replace(judged, evaluation=with_ladder(judged.evaluation, judged.exam, chosen, rungs, params))


def _answer(
    root: Path,
    recommender: Recommender,
    judged: Judgement,
    model: str,
    chosen: Bool,
    rows: pl.DataFrame,
    params: Params,
) -> Int64:
    """(n_chosen, greatest k) item codes that a recommender shows to users of whom only some rows are known."""
    catalogue = recommender.catalogue
    queries = shortened(judged.queries[model], chosen, rows, catalogue.vocabulary, Positives.of(params.targets))
    with tempfile.TemporaryDirectory(prefix="recops-ladder-") as scratch:
        write_features(root / FEATURES, Path(scratch), rows, catalogue)
        cold = replace(recommender, lookup=offline_lookup(root, catalogue, Path(scratch)))
        return codes_of(judged.exam, catalogue, cold.recommend(queries, max(params.k)).items)


def write_features(source: Path, target: Path, rows: pl.DataFrame, catalogue: Catalogue) -> None:
    """The tables of `source` with what these rows alone say of users."""
    positives = positives_of(source)
    facts = pl.DataFrame(
        {"item_id": catalogue.vocabulary.item_ids, "category": catalogue.item_categories, "price": catalogue.prices},
        schema_overrides={"category": pl.String},
    ).with_columns(pl.col("price").fill_nan(None))
    arrived = arrivals(rows.lazy(), facts.lazy(), positives).collect()
    for table in (USER_STATS, USER_CATEGORY_STATS):
        table.write(state_rows(arrived, table), target / f"{table.name}.parquet")
    (target / f"{ITEM_STATS.name}.parquet").symlink_to((source / f"{ITEM_STATS.name}.parquet").absolute())
