"""The offline feature lookup of a project, for the items of a catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import ContractError
from features.schema import INTERACTIONS
from features.split import read_cuts
from models.data.types import Catalogue
from models.interfaces import FeatureLookup

SPLIT = Path("data/split")
PARTS = ("train", "valid", "test")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


FEATURES = Path("data/features")


def offline_lookup(root: Path, catalogue: Catalogue, folder: Path = FEATURES) -> FeatureLookup:
    """Features as of any instant from the feature tables of the project at `root`; folder: those of another."""
    from features.offline.offline_lookup import OfflineLookup  # Feast takes seconds to import

    return OfflineLookup(
        root / folder,
        catalogue.vocabulary.item_ids,
        catalogue.item_categories,
        catalogue.prices,
        catalogue.created_at,
    )
