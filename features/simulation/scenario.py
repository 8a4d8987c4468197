"""Scenarios: many small worlds for tests of gates and estimators, and alternative futures of one world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from features.arrays import Int64
from features.positives import DEFAULT_POSITIVES
from features.reading.raw_tables import RawTables
from features.simulation.parameters import Params
from features.simulation.tables import tables_of
from features.simulation.truth import Truth
from features.simulation.visits import see
from features.simulation.world import World
from features.split import Params as SplitParams
from features.split import split

SMALL: dict[str, Any] = {"n_users": 200, "n_items": 120, "days": 30, "sessions_a_day": 0.3, "crawl_events": 60}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One world cut in time as the default split does it.

    history: INTERACTIONS up to `at` [µs]; later: the positive ones after it.
    """

    tables: RawTables
    truth: Truth
    history: pl.DataFrame
    later: pl.DataFrame
    at: int


def small(seed: int, **changes: Any) -> Params:
    """Params of a world that takes a tenth of a second; `changes` override single fields."""
    return Params.model_validate({**SMALL, "seed": seed, **changes})


def scenario(params: Params) -> Scenario:
    """The world of these params with its past and its future."""
    world = World.make(params)
    tables = tables_of(world, see(world))
    parts = split(tables.interactions, SplitParams())
    later = parts.test.filter(DEFAULT_POSITIVES.where())
    return Scenario(
        tables=tables,
        truth=Truth(world),
        history=pl.concat([parts.train, parts.valid]),
        later=later,
        at=parts.cuts.test_cut,
    )


def scenarios(seeds: Iterable[int], **changes: Any) -> Iterator[Scenario]:
    """One small scenario a seed."""
    for seed in seeds:
        yield scenario(small(seed, **changes))


def draw_choices(
    truth: Truth, user_ids: Sequence[str], at: int, n: int, seed: int, excluded: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Another possible future: for each user, n different items in the order chosen (columns user_id, item_id), drawn
    one after the other with chances in proportion to the true demand at the instant [µs].

    excluded: rows (user_id, item_id) that are not chosen again. Users with nothing left get fewer rows.
    """
    rng = np.random.default_rng(np.random.SeedSequence([truth.world.params.seed, seed]))
    demand = truth.demand(user_ids, at)
    if excluded is not None:
        chosen_users = pl.DataFrame({"user_id": list(user_ids), "row": np.arange(len(user_ids))})
        rows = excluded.join(chosen_users, on="user_id", how="inner")
        demand[rows.get_column("row").to_numpy(), truth.items(rows.get_column("item_id").to_list())] = 0
    with np.errstate(divide="ignore"):
        keys = np.log(demand) + rng.gumbel(size=demand.shape)
    best: Int64 = np.argsort(-keys, axis=1, kind="stable")[:, :n]
    row, rank = np.nonzero(np.take_along_axis(demand, best, axis=1) > 0)
    item_ids = np.asarray(truth.item_ids)[best[row, rank]]
    return pl.DataFrame({"user_id": np.asarray(user_ids)[row].tolist(), "item_id": item_ids.tolist()})
