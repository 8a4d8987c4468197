"""No leak: when who chose what is shuffled within each week, nobody can do better than what is popular.

Worse is no leak: a part that learns from noise orders by noise. Better would mean that it knows the test.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.arrays import Int32
from features.cleaning.catalogue import build_catalogue
from features.cleaning.interactions import Params as CleanParams
from features.cleaning.interactions import clean_log
from features.simulation.parameters import Params as WorldParams
from features.sources.simulator import read
from features.split import Params as SplitParams
from features.split import split
from models.data.queries import part_queries
from models.data.tables import make_catalogue
from models.data.types import Targets
from models.evaluation.intervals import bounds, resampled_means
from models.evaluation.metrics import accuracy, target_positions
from tests.support.trained import trained

WORLD = WorldParams(seed=3, n_users=300, n_items=800, days=60, bot_share=0.0, exposures=False)
RETRIEVERS = {name: {} for name in ("popular", "item_knn", "user_knn", "ease", "markov")}
LEARNED = sorted(set(RETRIEVERS) - {"popular"})


def shuffled(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows with their users permuted among those of each week: every user and item acts as often as before."""
    by_week = pl.col("timestamp").dt.truncate("1w")
    rows = rows.with_columns(week=by_week).sort("week", maintain_order=True)
    return rows.with_columns(pl.col("user_id").shuffle(seed).over("week")).drop("week")


def ndcg(items: Int32, targets: Targets) -> np.ndarray:
    """(n_queries,) NDCG@10; NaN without a target."""
    return accuracy(target_positions(items, targets.items) >= 0, targets.counts, [10])["ndcg@10"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> dict[str, np.ndarray]:
    """NDCG@10 per query of all parts, of the recommender, and of parts that were let see the test."""
    tables = read(WORLD)
    parts = split(shuffled(tables.interactions, seed=1), SplitParams())
    history = pl.concat([parts.train, parts.valid])
    train, _, _ = clean_log(parts.train, CleanParams(), at=parts.cuts.valid_cut)
    full, _, _ = clean_log(history, CleanParams(), at=parts.cuts.test_cut)
    frame, _ = build_catalogue(tables.items, history)
    catalogue = make_catalogue(frame)
    recommender = trained(tmp_path_factory.mktemp("shuffled"), parts, train, full, frame, catalogue, RETRIEVERS, 50)
    queries, targets = part_queries(
        history, parts.test, catalogue.vocabulary, parts.cuts.test_cut, availability=catalogue.availability
    )
    items = {name: part.retrieve(queries, 10).items for name, part in recommender.retrievers.items()}
    items["recommender"] = recommender.recommend(queries, 10).items
    told = pl.concat([full, parts.test.with_columns(trust=pl.lit(1.0)).select(full.columns)])
    leaky = trained(tmp_path_factory.mktemp("leaky"), parts, told, told, frame, catalogue, RETRIEVERS, 50)
    items |= {f"leaky {name}": part.retrieve(queries, 10).items for name, part in leaky.retrievers.items()}
    items["leaky recommender"] = leaky.recommend(queries, 10).items
    return {name: ndcg(lists, targets) for name, lists in items.items()}


def above_popular(judged: dict[str, np.ndarray], model: str) -> bool:
    """Whether a model's mean is above the 99 % interval of popular, users resampled."""
    popular = judged["popular"][~np.isnan(judged["popular"])]
    _, high = bounds(resampled_means(popular[:, None], n_resamples=1000, seed=1).ravel(), 0.99)
    return bool(np.nanmean(judged[model]) > high)


@pytest.mark.parametrize("model", [*LEARNED, "recommender"])
def test_nothing_beats_popular_where_there_is_nothing_to_learn(judged, model):
    assert not above_popular(judged, model)


@pytest.mark.parametrize("model", [*LEARNED, "recommender"])
def test_what_was_fitted_on_the_test_too_is_caught(judged, model):
    assert above_popular(judged, f"leaky {model}")
