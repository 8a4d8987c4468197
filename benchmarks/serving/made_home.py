"""A home with a live release of made arrays: as many items as wanted, random but plausible; nothing is trained on data.

    python -m benchmarks.serving.made_home FOLDER --items 100000

Retrievers `graph`, `als`, `text`, `popular` and `sequence`, the ranker `horizons` of three seeds a side, and the
reranker of the default profile. Items lie in groups, by which their vectors are alike and histories hang together. The
text vectors stand in the bundle twice and on the disk once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.serving.made_parts import TEXT_SIZE, K, made_ranker, made_vectors, write_parts
from features.files import write_text
from features.offline.feature_tables import build_tables
from features.offline.offline_lookup import OfflineLookup
from features.online.namespace import OnlineNamespace
from features.online.snapshot import write_snapshot
from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE, INTERACTIONS
from features.settings import Settings
from features.states.aggregates import arrivals
from features.states.histories import user_histories
from features.table import type_of_time
from models.data.saved_params import write_params
from models.data.storage import write_arrays
from models.registry import load_reranker
from models.release.bundle import seal
from models.release.plan import PLAN, Plan
from models.release.store import Release, ReleaseStore

END = datetime(2026, 1, 1, tzinfo=UTC)
DAY_US = 24 * 3600 * 1_000_000
N_CATEGORIES = 40
RELEASE = "made"


def make_home(home: Path, n_items: int, n_users: int = 500, seed: int = 1) -> Path:
    """Writes the home, unless it is there; its folder."""
    if (home / "releases" / "live.json").is_file():
        return home
    shutil.rmtree(home, ignore_errors=True)
    rng = np.random.default_rng(seed)
    store, scratch = ReleaseStore(home), home / "scratch"
    folder, bundle = store.folder(RELEASE), store.bundle(RELEASE)
    groups = np.sort(rng.integers(0, max(2, n_items // 100), n_items))
    catalogue = _catalogue(rng, n_items)
    CATALOGUE.write(catalogue, bundle / "catalogue" / "catalogue.parquet")
    rows = _interactions(rng, catalogue["item_id"], n_users)
    until = int(END.timestamp()) * 1_000_000
    build_tables(arrivals(rows.lazy(), catalogue.lazy()), scratch / "features", DEFAULT_POSITIVES)

    text = made_vectors(rng, groups, TEXT_SIZE)
    write_arrays({"text": text}, bundle / "vectors" / "vectors.safetensors")
    del text
    retrievers = write_parts(bundle / "retrievers", rng, groups)
    os.link(bundle / "vectors" / "vectors.safetensors", bundle / "retrievers" / "text" / "vectors.safetensors")
    made_ranker(rng, retrievers, OfflineLookup.names).save(bundle / "ranker")
    plan = Plan(
        retrievers=list(retrievers),
        k=K,
        ranker="horizons",
        features=list(OfflineLookup.names),
        reranker="mmr",
        reranker_params=load_reranker("mmr").Params(relevance=0.97, category_share=1.0).model_dump(),
    )
    write_params(plan, bundle / PLAN)
    manifest = seal(bundle, features=list(OfflineLookup.names), data_hash="made", params_hash="made", code_version="")

    histories = user_histories(rows, until)
    online = OnlineNamespace(Settings(home=home), RELEASE)
    online.materialize(scratch / "features", histories, until, 0)
    online.close()
    write_snapshot(folder, scratch / "features", histories, until)
    shutil.rmtree(scratch)
    store.write(
        Release(
            release=RELEASE,
            bundle_hash=manifest.hash,
            created_at=END.isoformat(),
            data_until=until,
            events_through=0,
            namespace=RELEASE,
        )
    )
    write_text("made\n", home / "README")
    store.swap(RELEASE, who="benchmark", why="made")
    return home


def _catalogue(rng: np.random.Generator, n_items: int) -> pl.DataFrame:
    width = len(str(n_items - 1))
    names = [f"i{number:0{width}d}" for number in range(n_items)]
    first = int(END.timestamp()) * 1_000_000 - 700 * DAY_US
    frame = pl.DataFrame(
        {
            "item_id": names,
            "title": [f"Made item {name}" for name in names],
            "category": [f"category {number}" for number in rng.integers(0, N_CATEGORIES, n_items).tolist()],
            "price": np.exp(rng.normal(3, 0.8, n_items)).round(2),
            "created_at": pl.Series(first + rng.integers(0, 600, n_items) * DAY_US).cast(pl.Datetime("us", "UTC")),
        }
    )
    empty = [pl.lit(None, dtype=kind).alias(name) for name, kind in CATALOGUE.columns.items() if name not in frame]
    return CATALOGUE.check(frame.with_columns(empty), source="made")


def _interactions(rng: np.random.Generator, item_ids: pl.Series, n_users: int) -> pl.DataFrame:
    """Histories of some forty events, half of them within one stretch of neighboring items."""
    lengths = np.minimum(1 + rng.geometric(1 / 40, n_users), 400)
    owners = np.repeat(np.arange(n_users), lengths)
    n_items = len(item_ids)
    anywhere = (n_items * rng.random(len(owners)) ** 2).astype(np.int64)
    near = rng.integers(0, n_items, n_users)[owners] + rng.integers(0, 200, len(owners))
    items = np.where(rng.random(len(owners)) < 0.5, anywhere, near % n_items)
    times = int(END.timestamp()) * 1_000_000 - (rng.random(len(owners)) * 60 * DAY_US).astype(np.int64)
    frame = pl.DataFrame(
        {
            "user_id": [f"u{owner:05d}" for owner in owners.tolist()],
            "item_id": item_ids.gather(items.astype(np.uint32)),
            "timestamp": pl.Series(times).cast(type_of_time),
            "event": ["click"] * len(owners),
            "value": pl.Series([None] * len(owners), dtype=pl.Float64),
        }
    )
    frame = frame.with_columns(known_at="timestamp").select(list(INTERACTIONS.columns)).sort("timestamp", "user_id")
    return INTERACTIONS.check(frame, source="made")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, help="the folder that becomes RECOPS_HOME")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=500)
    given = parser.parse_args()
    started = time.perf_counter()
    home = make_home(given.home.absolute(), given.items, given.users)
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6
    print(f"{home}: {given.items} items, {size:.0f} MB in {time.perf_counter() - started:.0f} s")
    print(f"RECOPS_HOME={home} python -m benchmarks.serving open --working-tree --rates 20,50")


if __name__ == "__main__":
    main()
