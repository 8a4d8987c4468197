"""The offline feature lookup of a project, for the items of a catalogue."""

from __future__ import annotations

from pathlib import Path

from models.interfaces import Catalogue, FeatureLookup

FEATURES = Path("data/features")


def offline_lookup(root: Path, catalogue: Catalogue, folder: Path = FEATURES) -> FeatureLookup:
    """Features as of any instant from the feature tables of the project at `root`; folder: those of another."""
    from features.lookup import OfflineLookup  # Feast takes seconds to import

    categories = [catalogue.category_names[place] if place >= 0 else None for place in catalogue.categories.tolist()]
    return OfflineLookup(
        root / folder, catalogue.vocabulary.item_ids, categories, catalogue.prices, catalogue.created_at
    )
