"""A million examples through Feast's get_historical_features on our store, beside polars' join_asof without Feast.

    python -m benchmarks.feature_join [n_examples] [n_rows_of_the_log]

The aim is less than 10 s for the join of a million; the two answers are compared value by value.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.offline.offline_lookup import OfflineLookup, join
from features.states.aggregates import STATS, arrivals, state_columns, state_rows
from features.table import type_of_time

N_USERS, N_ITEMS, N_CATEGORIES = 6_000, 3_700, 18


def timed(what: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    answer = work()
    print(f"{what:<58}{time.perf_counter() - started:8.2f} s", flush=True)
    return answer


def by_polars(folder: Path, asked: pl.DataFrame) -> pl.DataFrame:
    rows = asked.with_row_index("row").sort("event_timestamp")
    for name, table in STATS.items():
        key, columns = list(table.key[:-1]), state_columns(table)
        theirs = pl.read_parquet(folder / f"{name}.parquet", columns=[*key, "event_timestamp", *columns])
        theirs = theirs.sort("event_timestamp").rename({column: f"{name}__{column}" for column in columns})
        rows = rows.join_asof(theirs, on="event_timestamp", by=key, check_sortedness=False)
    return rows.sort("row").drop("row")


def main() -> None:
    n_examples, n_rows = (int(a) for a in (sys.argv[1:] + ["1000000", "1000000"][len(sys.argv) - 1 :])[:2])
    rng = np.random.default_rng(0)
    at = np.sort(rng.integers(956_703_932, 1_046_454_590, n_rows)) * 1_000_000
    log = pl.DataFrame(
        {
            "user_id": rng.integers(0, N_USERS, n_rows).astype(str),
            "item_id": (rng.zipf(1.2, n_rows) % N_ITEMS).astype(str),
            "timestamp": at,
            "event": "rating",
            "value": rng.integers(1, 6, n_rows).astype(float),
            "known_at": at,
        }
    ).with_columns(pl.col("timestamp", "known_at").cast(type_of_time), pl.col("event").cast(pl.String))
    ids = [str(i) for i in range(N_ITEMS)]
    categories = [f"c{i % N_CATEGORIES}" for i in range(N_ITEMS)]
    items = pl.DataFrame({"item_id": ids, "category": categories, "price": np.arange(N_ITEMS) % 50.0})
    known = arrivals(log.lazy(), items.lazy()).collect()
    query = rng.integers(0, n_rows, n_examples // 100 + 1).repeat(100)[:n_examples]
    item = rng.integers(0, N_ITEMS, n_examples).astype(np.int32)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, table in STATS.items():
            states = timed(f"{name} of {n_rows:,} rows", lambda table=table: state_rows(known, table))
            table.write(states, folder / f"{name}.parquet")
        lookup = OfflineLookup(folder, ids, categories, items["price"].to_numpy())
        store = timed("import feast, open, apply", lambda: lookup._open(folder))
        asked = lookup.entities(log["user_id"].to_numpy(), at, query, item)
        ours = timed(f"get_historical_features, {n_examples:,} examples", lambda: join(store, asked))
        plain = timed("polars join_asof, the same examples", lambda: by_polars(folder, asked))
        assert ours.select(plain.columns).equals(plain), "the two joins differ"
        print("the two joins agree in every value")
        features = timed(
            "OfflineLookup.features: join, states, derived features",
            lambda: lookup.features(log["user_id"].to_numpy(), at, query, item),
        )
        print(f"{features.shape[0]:,} rows of {features.shape[1]} features")


if __name__ == "__main__":
    main()
