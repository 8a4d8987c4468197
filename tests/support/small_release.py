"""A released recommender on a small simulated world, made from the real parts without DVC."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl

from features.cleaning.catalogue import build_catalogue
from features.files import write_text
from features.offline.feature_tables import build_tables
from features.offline.offline_lookup import OfflineLookup
from features.online.namespace import OnlineNamespace
from features.online.snapshot import write_snapshot
from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE
from features.settings import Settings
from features.simulation.scenario import Scenario, scenario, small
from features.states.aggregates import arrivals
from features.states.histories import user_histories
from features.table import write_parquet
from models.data.queries import part_queries, queries_at
from models.data.storage import write_arrays
from models.data.tables import make_catalogue, make_log
from models.ranking.examples import make_examples
from models.ranking.features import feature_names, features_of, query_features
from models.recommender import Recommender
from models.registry import load_ranker, load_reranker, load_retriever
from models.release.bundle import seal
from models.release.plan import assemble
from models.release.store import Release, ReleaseStore
from models.retrieval.candidates import candidates_of

RETRIEVERS = ("ease", "item_knn", "popular", "text")
K = 50


@dataclass(frozen=True)
class Made:
    """The world, the folder with feature tables and bundle, the instant up to which all is known [µs]."""

    world: Scenario
    folder: Path
    at: int

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def catalogue(self) -> pl.DataFrame:
        return CATALOGUE.read(self.bundle / "catalogue" / "catalogue.parquet")


def make_bundle(folder: Path, seed: int = 5) -> Made:
    """Everything that is judged before the cut, fitted and sealed."""
    world = scenario(small(seed, n_users=120, n_items=150))
    rows, at = world.history, world.at
    catalogue, _ = build_catalogue(world.tables.items, rows)
    write_parquet(catalogue, folder / "catalogue" / "catalogue.parquet")
    build_tables(arrivals(rows.lazy(), catalogue.lazy()), folder / "features", DEFAULT_POSITIVES)
    vectors = np.random.default_rng(seed).normal(size=(catalogue.height, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_arrays({"text": vectors}, folder / "vectors" / "vectors.safetensors")
    arrays = make_catalogue(catalogue, vectors)
    early = int(np.quantile(rows["timestamp"].dt.epoch("us").to_numpy(), 0.8))
    before = rows.filter(pl.col("timestamp").dt.epoch("us") <= early)
    names = []
    for part, known in (("train", before), ("full", rows)):
        log = make_log(known.with_columns(trust=pl.lit(1.0)), arrays.vocabulary)
        fitted = {name: load_retriever(name)().fit(log, arrays) for name in RETRIEVERS}
        for name, retriever in fitted.items():
            retriever.save(folder / "retrievers" / part / name)
        if part == "train":
            after = rows.filter(pl.col("timestamp").dt.epoch("us") > early)
            queries, targets = part_queries(before, after, arrays.vocabulary, early, availability=arrays.availability)
            candidates = candidates_of(fitted, queries, K, arrays.n_items)
            examples = make_examples(queries, candidates, targets, arrays.n_items)
            lookup = offline_lookup(folder, catalogue)
            looked_up = features_of(candidates, queries.user_ids, queries.at, query_features(queries), lookup)
            names = list(feature_names(candidates.retrievers, lookup.names))
            kind = load_ranker("lightgbm")
            params = kind.Params(n_trees=20, threads=1)
            ranker = kind(params).fit(looked_up, examples.labels, examples.groups, tuple(names))
            ranker.save(folder / "ranker")
    learned = {"ranker": "lightgbm", "features": list(OfflineLookup.names), "retrievers": list(RETRIEVERS)}
    write_text(json.dumps(learned), folder / "ranker" / "ranker.json")
    assemble(
        folder / "bundle",
        retrievers=folder / "retrievers" / "full",
        ranker=folder / "ranker",
        catalogue=folder / "catalogue",
        vectors=folder / "vectors",
        k=K,
        reranker="mmr",
        reranker_params=load_reranker("mmr").Params(),
    )
    seal(folder / "bundle", features=list(OfflineLookup.names), data_hash="d", params_hash="p", code_version="c")
    return Made(world, folder, at)


def make_variant(made: Made, folder: Path) -> Made:
    """The same world, catalogue and models, and lists of other items: variety counts for more."""
    for name in ("catalogue", "features", "retrievers", "ranker", "vectors"):
        (folder / name).symlink_to(made.folder / name, target_is_directory=True)
    assemble(
        folder / "bundle",
        retrievers=folder / "retrievers" / "full",
        ranker=folder / "ranker",
        catalogue=folder / "catalogue",
        vectors=folder / "vectors",
        k=K,
        reranker="mmr",
        reranker_params=load_reranker("mmr").Params(relevance=0.2),
    )
    seal(folder / "bundle", features=list(OfflineLookup.names), data_hash="d", params_hash="q", code_version="c")
    return Made(made.world, folder, made.at)


def offline_lookup(folder: Path, catalogue: pl.DataFrame) -> OfflineLookup:
    return OfflineLookup(
        folder / "features",
        catalogue["item_id"].to_list(),
        catalogue["category"].to_list(),
        catalogue["price"].to_list(),
        catalogue["created_at"].dt.epoch("us").to_list(),
    )


def release(
    made: Made,
    settings: Settings,
    name: str,
    *,
    live: bool = True,
    events_through: int = 0,
    source: dict[str, str] | None = None,
) -> Release:
    """Puts the bundle live under RECOPS_HOME: namespace filled through Feast, folder, pointer."""
    from models.release.bundle import read_manifest

    store = ReleaseStore(settings.home)
    folder = store.folder(name)
    folder.mkdir(parents=True)
    (folder / "bundle").symlink_to(made.bundle, target_is_directory=True)
    histories = user_histories(made.world.history, made.at)
    namespace = f"{name}_ns"
    _fill(made, settings, namespace, histories, events_through)
    write_snapshot(folder, made.folder / "features", histories, made.at)
    manifest = read_manifest(made.bundle)
    found = Release(
        release=name,
        bundle_hash=manifest.hash,
        created_at="2026-01-01T00:00:00+00:00",
        data_until=made.at,
        events_through=events_through,
        namespace=namespace,
        metrics={"ndcg@10": 0.123},
        source=dict(source or {}),
    )
    store.write(found)
    if live:
        store.swap(name, who="test", why="a test")
    return found


def _fill(made: Made, settings: Settings, namespace: str, histories: pl.DataFrame, events_through: int) -> None:
    """Fills a namespace through Feast; on SQLite once for all homes with the same namespaces and the same users, the
    others get a copy of its files and of Feast's registry."""
    online = settings.home / "online"
    before = sorted(path.stem for path in online.glob("*.json"))
    users = f"{histories.hash_rows().sum():x}"
    filled = made.folder / "filled" / "+".join([*before, namespace, str(events_through), users])
    on_sqlite = settings.online_store == "sqlite"
    if on_sqlite and filled.is_dir():
        shutil.copytree(filled, online, dirs_exist_ok=True)
        return
    opened = OnlineNamespace(settings, namespace)
    opened.materialize(made.folder / "features", histories, made.at, events_through)
    opened.close()
    if on_sqlite:
        scratch = Path(mkdtemp(dir=made.folder))
        for pattern in (f"{namespace}.*", "feast_registry.*"):
            for path in online.glob(pattern):
                shutil.copy(path, scratch)
        filled.parent.mkdir(exist_ok=True)
        with suppress(OSError):  # another process was quicker
            scratch.rename(filled)


def offline_lists(made: Made, user_ids: list[str], k: int) -> dict[str, list[str]]:
    """What the bundle recommends at the cut with the offline lookup: the lists that a replay must give."""
    recommender = Recommender.load(made.bundle, offline_lookup(made.folder, made.catalogue))
    catalogue = recommender.catalogue
    queries = queries_at(
        made.world.history, catalogue.vocabulary, user_ids, made.at, availability=catalogue.availability
    )
    slate = recommender.recommend(queries, k)
    ids = catalogue.vocabulary.item_ids
    return {user_id: [ids[item] for item in slate.items[query] if item >= 0] for query, user_id in enumerate(user_ids)}
