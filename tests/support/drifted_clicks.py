"""A world whose people change their minds: after a day, what follows an item is another item than before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from features.schema import INTERACTIONS
from models.data.tables import make_log
from models.data.types import Catalogue, Log
from models.rankers.fusion import Fusion
from models.ranking.features import feature_names
from models.recommender import Recommender
from models.registry import make
from models.rerankers.mmr import Mmr, MmrParams
from tests.support.part_inputs import make_catalogue

START = datetime(2026, 1, 1, tzinfo=UTC)
N_ITEMS = 40
STEP_BEFORE, STEP_AFTER = 1, 7


class NoFeatures:
    """A lookup of one feature that says nothing."""

    names = ("nothing",)

    def features(self, user_ids, at, query, item):
        return np.zeros((len(item), 1), dtype=np.float32)


@dataclass(frozen=True)
class DriftedWorld:
    """Rows of INTERACTIONS before and after the drift, the items, and when it happened [µs]."""

    before: pl.DataFrame
    after: pl.DataFrame
    catalogue: Catalogue
    drift: int

    def log(self, rows: pl.DataFrame) -> Log:
        return make_log(rows.with_columns(trust=pl.lit(1.0)), self.catalogue.vocabulary)


def drifted(*, n_users: int = 60, step_after: int = STEP_AFTER, seed: int = 3) -> DriftedWorld:
    """Everybody goes through the items by a step, with some acts at random; from the second day on by `step_after`."""
    rng = np.random.default_rng(seed)
    frames = [_day(rng, 0, n_users, STEP_BEFORE), _day(rng, 1, n_users, step_after)]
    drift = int(datetime.timestamp(START + timedelta(days=1)) * 1e6)
    return DriftedWorld(*frames, make_catalogue(N_ITEMS), drift)


def recommender_of(world: DriftedWorld, retrievers: dict, k: int = 20) -> Recommender:
    """Ranks by the retrievers' ranks alone."""
    nothing = np.zeros(0, dtype=np.int32)
    names = feature_names(tuple(retrievers), NoFeatures.names)
    ranker = Fusion().fit(np.zeros((0, len(names)), dtype=np.float32), nothing.astype(np.float32), nothing, names)
    return Recommender(
        catalogue=world.catalogue,
        retrievers=retrievers,
        ranker=ranker,
        reranker=Mmr(MmrParams(relevance=1.0)),
        lookup=NoFeatures(),
        k=k,
    )


def fitted(world: DriftedWorld, rows: pl.DataFrame, names: tuple[str, ...] = ("markov", "popular")) -> dict:
    """Retrievers with their defaults."""
    return {name: make("retriever", name).fit(world.log(rows), world.catalogue) for name in names}


def _day(rng: np.random.Generator, day: int, n_users: int, step: int) -> pl.DataFrame:
    rows = sorted(_acts(rng, day, n_users, step), key=lambda row: row[2])
    schema = dict(INTERACTIONS.columns)
    return INTERACTIONS.check(pl.DataFrame(rows, schema=schema, orient="row"), source="test")


def _acts(rng: np.random.Generator, day: int, n_users: int, step: int) -> Iterator[tuple]:
    for user in range(n_users):
        item = int(rng.integers(N_ITEMS))
        for act in range(6):
            at = START + timedelta(days=day, minutes=int(act * 200 + rng.integers(1, 200)), seconds=user)
            yield f"u{day}-{user}", f"i{item}", at, "buy", None, at
            item = int(rng.integers(N_ITEMS)) if rng.random() < 0.1 else (item + step) % N_ITEMS
