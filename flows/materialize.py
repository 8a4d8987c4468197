"""From the DAG's files into an online namespace: features through Feast, histories, as of an instant."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from features.errors import ContractError
from features.schema import INTERACTIONS, write_parquet
from features.settings import Settings
from features.split import read_cuts

SPLIT = Path("data/split")
FEATURES = Path("data/features")
PARTS = ("train", "valid", "test")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
USER_STATS = ("user_stats", "user_category_stats")


def fill(
    settings: Settings,
    namespace: str,
    root: Path,
    folder: Path,
    *,
    at: int,
    through: int,
    users: Sequence[str] | None = None,
) -> None:
    """Fills an online namespace, through Feast, and a release's folder with what was known at `at` [µs].

    through: last event of the event log that the data hold; users: only these are written (a replay asks no others).
    """
    from features.aggregates import positives_of
    from features.carried import carry
    from features.online import OnlineNamespace, user_histories

    rows = interactions(root)
    with TemporaryDirectory(prefix="recops-features-") as scratch:
        features = root / FEATURES
        if users is not None:
            rows = rows.filter(pl.col("user_id").is_in(users))
            features = _features_of(users, features, Path(scratch) / "features")
        histories = user_histories(rows, at, positives_of(features))
        online = OnlineNamespace(settings, namespace)
        online.materialize(features, histories, at, through)
        online.close()
        carry(folder, features, histories, at)


def interactions(root: Path) -> pl.DataFrame:
    """Every row of every part of the split, in time order of the parts."""
    return pl.concat([INTERACTIONS.read(root / SPLIT / f"{part}.parquet") for part in PARTS])


def data_until(root: Path) -> int:
    """The instant at which the last row of the data was known [µs]."""
    latest: Any = pl.concat(
        [
            pl.scan_parquet(root / SPLIT / f"{part}.parquet").select(pl.max_horizontal("timestamp", "known_at").max())
            for part in PARTS
        ]
    ).max()
    found = latest.collect().item()
    if found is None:
        raise ContractError(f"{root / SPLIT}: no interactions; import data and run the stages (`recops run`)")
    return int((found - EPOCH) // timedelta(microseconds=1))


def test_cut(root: Path) -> int | None:
    """The instant before which the judged bundle knows everything [µs]; None where each query has its own."""
    cuts = read_cuts(root / SPLIT / "split.json")
    return cuts.test_cut if cuts.scheme == "global_time" else None


def _features_of(users: Sequence[str], source: Path, target: Path) -> Path:
    """A features folder with only these users' rows; items' rows are all there."""
    shutil.copytree(source, target)
    for name in USER_STATS:
        path = target / f"{name}.parquet"
        write_parquet(pl.read_parquet(path).filter(pl.col("user_id").is_in(users)), path)
    return target
