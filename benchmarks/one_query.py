"""Milliseconds of processor time of one list, by the batch form and by the form for one query, side by side in one run.

    python -m benchmarks.one_query [--project DIR] [--users 60] [--seed 1]

Mean over users drawn from a project's data (data/bundle, data/split), each asked for ten items an hour after the newest
event, with one BLAS thread. States of users and items are made up, the same for both. Below: each stage of the form for
one query, and how many lists of both forms are the same.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.reasons import HOUR, asked
from features.online.online_lookup import OnlineLookup
from features.positives import DEFAULT_POSITIVES
from features.states.aggregates import N_AMOUNTS, STATE
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from models.compute.threads import one_thread
from models.online.user_features import UserRows
from models.recommender import Recommender
from models.single_query.one_query import OneQuery
from services.live.online import online_form

K = 10
YEAR = 365 * 86_400_000_000


class NoStore:
    """States are given with each query."""

    def users(self, user_ids: object, categories: object = ()) -> list[UserState]:
        raise AssertionError("states of users are given")

    def category_states(self, pairs: object) -> dict[tuple[str, str], np.ndarray]:
        return {}


def loaded(bundle: Path, seed: int) -> tuple[Recommender, OnlineLookup, ItemInfo]:
    """A bundle and a lookup with made-up states of its items."""
    info = ItemInfo.from_catalogue(pl.read_parquet(bundle / "catalogue" / "catalogue.parquet"))
    states = ItemStates(info.item_ids, np.full((len(info.item_ids), len(STATE)), np.nan), DEFAULT_POSITIVES, 0)
    states.states[:] = np.random.default_rng(seed).gamma(2.0, 20.0, states.states.shape)
    lookup = OnlineLookup(NoStore(), states, info)
    return Recommender.load(bundle, lookup), lookup, info


def known(query: OneQuery, info: ItemInfo, seed: int) -> tuple[UserState, UserRows]:
    """Made-up states of a query's user, in the forms of both."""
    rng = np.random.default_rng(seed)
    ids = [info.item_ids[item] for item in query.items.tolist()]
    codes = np.array(sorted(info.categories_of(ids)), dtype=np.int32)
    rows = rng.gamma(2.0, 20.0, (len(codes) + 1, len(STATE)))
    rows[:, N_AMOUNTS:] = query.at - rng.integers(1, YEAR, (len(codes) + 1, len(STATE) - N_AMOUNTS))
    by_category = {info.category_names[code]: row for code, row in zip(codes.tolist(), rows[1:], strict=True)}
    state = UserState(query.user_id, rows[0], ids, query.times, by_category=by_category)
    return state, UserRows(stats=rows[0], codes=codes, pairs=np.ascontiguousarray(rows[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_query", description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    recommender, lookup, info = loaded(given.project / "data" / "bundle", given.seed)
    online = online_form(recommender, lookup.items, info, kept_bytes=0)
    keeping = online_form(recommender, lookup.items, info)
    queries = list(asked(given.project, recommender, given.users, given.seed))
    users = [known(query, info, given.seed) for query in queries]
    with one_thread():
        for query, (_, rows) in zip(queries, users, strict=True):  # the sessions of the transformer are made
            online.recommend(query, K, rows)
        started = time.process_time()
        answers = [online.recommend(query, K, rows) for query, (_, rows) in zip(queries, users, strict=True)]
        one_ms = (time.process_time() - started) * 1000 / len(queries)
        again = [replace(query, at=query.at + HOUR) for query in queries]
        for asked_at in (queries, again):  # the first time fills, the second one is measured
            started = time.process_time()
            for query, (_, rows) in zip(asked_at, users, strict=True):
                keeping.recommend(query, K, rows)
            again_ms = (time.process_time() - started) * 1000 / len(queries)
        started = time.process_time()
        slates = [
            recommender.recommend(query.batch(), K, lookup=lookup.bound([state]))
            for query, (state, _) in zip(queries, users, strict=True)
        ]
        batch_ms = (time.process_time() - started) * 1000 / len(queries)
    print(f"{len(queries)} users, {np.mean([query.n_events for query in queries]):.0f} events each on average")
    print(f"batch form      {batch_ms:8.2f} ms a list")
    print(f"one query       {one_ms:8.2f} ms a list: {batch_ms / one_ms:.1f} times cheaper")
    for stage in answers[0].stage_ms:
        print(f"  {stage:<13} {np.mean([answer.stage_ms[stage] for answer in answers]):8.2f} ms of wall time")
    print(f"asked again     {again_ms:8.2f} ms a list")
    n_same = sum(
        answer.items.tolist() == [item for item in slate.items[0].tolist() if item >= 0]
        for answer, slate in zip(answers, slates, strict=True)
    )
    print(f"the same list: {n_same} of {len(queries)}")


if __name__ == "__main__":
    main()
