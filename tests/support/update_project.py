"""A hand-made project with a live release of a drifted world, and the day after the drift in its event log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from features.events.event_log import Event, EventLog
from features.files import write_text
from features.offline.feature_tables import build_tables, scan
from features.offline.offline_lookup import OfflineLookup
from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE, INTERACTIONS
from features.settings import Settings
from models.data.storage import write_arrays
from models.rankers.fusion import Fusion
from models.ranking.features import feature_names
from models.registry import make
from models.release.bundle import combined_hash, seal, sha256_of_files
from models.release.plan import assemble
from models.release.store import Release, ReleaseStore
from models.rerankers.mmr import MmrParams
from tests.support.drifted_clicks import DriftedWorld

RELEASE = "20260101-000000-0000000a"
RETRIEVERS = ("markov", "popular", "sequence")
TINY = {"epochs": 1, "embedding_size": 8, "layers": 1, "heads": 1, "max_length": 8, "threads": 1}


def make_update_project(root: Path, settings: Settings, world: DriftedWorld) -> Release:
    """data/split and data/features of the day before the drift, their bundle live; no stage is run."""
    rows = world.before
    _write_split(root, rows)
    work = root / "made"
    ids = world.catalogue.vocabulary.item_ids
    empty = {name: kind for name, kind in CATALOGUE.columns.items() if name != "item_id"}
    catalogue = pl.DataFrame({"item_id": ids}).with_columns(pl.lit(None, kind).alias(n) for n, kind in empty.items())
    for folder in (work / "catalogue", root / "data" / "catalogue"):
        CATALOGUE.write(catalogue, folder / "catalogue.parquet")
    write_arrays({"text": np.zeros((0, 0), dtype=np.float32)}, work / "vectors" / "vectors.safetensors")
    parts = [root / "data" / "split" / f"{part}.parquet" for part in ("train", "valid", "test")]
    build_tables(
        scan(parts, work / "catalogue" / "catalogue.parquet", DEFAULT_POSITIVES),
        root / "data" / "features",
        DEFAULT_POSITIVES,
    )
    for name in RETRIEVERS:
        part = make("retriever", name, TINY if name == "sequence" else None)
        part.fit(world.log(rows), world.catalogue).save(work / "retrievers" / name)
    names = feature_names(RETRIEVERS, OfflineLookup.names)
    nothing = np.zeros(0, dtype=np.int32)
    ranker = Fusion().fit(np.zeros((0, len(names)), dtype=np.float32), nothing.astype(np.float32), nothing, names)
    ranker.save(work / "ranker")
    learned = {"ranker": "fusion", "features": list(OfflineLookup.names), "retrievers": list(RETRIEVERS)}
    write_text(json.dumps(learned), work / "ranker" / "ranker.json")
    store = ReleaseStore(settings.home)
    bundle = store.bundle(RELEASE)
    bundle.mkdir(parents=True)
    assemble(
        bundle,
        retrievers=work / "retrievers",
        ranker=work / "ranker",
        catalogue=work / "catalogue",
        vectors=work / "vectors",
        k=20,
        reranker="mmr",
        reranker_params=MmrParams(relevance=1.0),
    )
    data_hash = combined_hash(sha256_of_files(root / "data" / "split"))
    sealed = seal(bundle, features=["a"], data_hash=data_hash, params_hash="p", code_version="c")
    release = Release(
        release=RELEASE,
        bundle_hash=sealed.hash,
        created_at="2026-01-02T00:00:00+00:00",
        data_until=int(rows["timestamp"].dt.epoch("us").max()),
        events_through=0,
        namespace="r",
        source={"line": "", "data_hash": data_hash},
    )
    store.write(release)
    store.swap(RELEASE, who="test", why="a test")
    write_text(json.dumps({"n_rows": rows.height}), store.folder(RELEASE) / "profile.json")
    return release


def log_events(settings: Settings, rows: pl.DataFrame, order: Sequence[int] | None = None) -> int:
    """Records rows of INTERACTIONS in the event log, each known when it happened; the last seq.

    order: of arrival, else that of time; what arrives out of order is known 1 µs after the one before it.
    """
    chosen = rows if order is None else rows[list(order)]
    log = EventLog(settings.events_url)
    try:
        seq, known_at, events = log.last_seq(), 0, []
        for user, item, event, at in chosen.select(
            "user_id", "item_id", "event", pl.col("timestamp").dt.epoch("us")
        ).iter_rows():
            seq, known_at = seq + 1, max(at, known_at + 1)
            events.append(Event(seq, f"e{seq}", user, item, event, at, None, known_at, None))
        log.put_back(events)
        return log.last_seq()
    finally:
        log.close()


def _write_split(root: Path, rows: pl.DataFrame) -> None:
    bounds = [0, int(0.8 * rows.height), int(0.9 * rows.height), rows.height]
    for part, start, stop in zip(("train", "valid", "test"), bounds[:-1], bounds[1:], strict=True):
        INTERACTIONS.write(rows[start:stop], root / "data" / "split" / f"{part}.parquet")
    times = [rows["timestamp"][stop - 1].isoformat() for stop in bounds[1:3]]
    cuts = {"scheme": "global_time", "valid_cut": times[0], "test_cut": times[1], "leaky": False, "why": ""}
    write_text(json.dumps(cuts | {"artificial_time": False}), root / "data" / "split" / "split.json")
    write_text(json.dumps({"source": "csv", "events_through": 0}), root / "data" / "tables" / "source.json")
    write_text("source: {name: csv}\nclean: {}\nupdate: {least_events: 100, bootstrap: 200}\n", root / "params.yaml")
    write_text("stages: {}\n", root / "dvc.yaml")
