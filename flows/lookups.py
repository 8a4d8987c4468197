"""The offline feature lookup of a project, for the items of a catalogue."""

from __future__ import annotations

from pathlib import Path

from models.interfaces import Catalogue, FeatureLookup

FEATURES = Path("data/features")


def offline_lookup(root: Path, catalogue: Catalogue, folder: Path = FEATURES) -> FeatureLookup:
    """Features as of any instant from the feature tables of the project at `root`; folder: those of another."""
    from features.lookup import OfflineLookup  # Feast takes seconds to import

    return OfflineLookup(
        root / folder,
        catalogue.vocabulary.item_ids,
        catalogue.item_categories,
        catalogue.prices,
        catalogue.created_at,
    )
