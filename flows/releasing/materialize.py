"""Fills a release's online namespace as of an instant, and publishes its definitions to Feast's own tools."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from features.settings import Settings
from features.table import write_parquet
from flows.project.dataset import Project

USER_STATS = ("user_stats", "user_category_stats")
LIVE_STORE = {"type": "features.online.repository.live_online_store.LiveOnlineStore"}


def fill(
    settings: Settings,
    namespace: str,
    project: Project,
    folder: Path,
    *,
    at: int,
    through: int,
    users: Sequence[str] | None = None,
) -> None:
    """Fills an online namespace, through Feast, and a release's folder with what was known at `at` [µs].

    through: last event of the event log that the data hold; users: only these are written (a replay needs no others).
    """
    from features.online.namespace import OnlineNamespace
    from features.online.pictures import write_pictures
    from features.online.snapshot import write_snapshot
    from features.states.aggregates import positives_of
    from features.states.histories import user_histories
    from models.language.writing.released_texts import write_released_texts

    rows = project.interactions()
    with TemporaryDirectory(prefix="recops-features-") as scratch:
        features = project.paths.features
        if users is not None:
            rows = rows.filter(pl.col("user_id").is_in(users))
            features = _features_of(users, features, Path(scratch) / "features")
        histories = user_histories(rows, at, positives_of(features))
        online = OnlineNamespace(settings, namespace)
        online.materialize(features, histories, at, through, items=users is None)
        online.close()
        write_snapshot(folder, features, histories, at)
    items = project.paths.tables / "items.parquet"
    if items.is_file():
        write_pictures(pl.read_parquet(items), folder)
    if (project.paths.enriched / "items.parquet").is_file():
        write_released_texts(project.paths.enriched, folder, users=users is None)


def publish_definitions(settings: Settings, project: Project) -> Path:
    """Applies the project's own views and services to the registry, and writes feature_store.yaml beside it; its path.

    They read whatever release is live, so a rollback changes nothing here.
    """
    from features.online.repository.registry import open_project, write_feature_store_yaml
    from features.repo.store import apply, feast

    feast()
    from features.repo.definitions import FEATURES, HISTORIES
    from features.repo.views import PROJECT

    store = open_project(settings, PROJECT, LIVE_STORE)
    apply(store, FEATURES, HISTORIES)
    return write_feature_store_yaml(settings, project.root)


def _features_of(users: Sequence[str], source: Path, target: Path) -> Path:
    """A features folder with only these users' rows; items' rows are all there."""
    shutil.copytree(source, target)
    for name in USER_STATS:
        path = target / f"{name}.parquet"
        write_parquet(pl.read_parquet(path).filter(pl.col("user_id").is_in(users)), path)
    return target
