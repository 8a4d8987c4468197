"""The paths of a project's files, below its root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """All that dvc.yaml writes, and more; absolute or relative as the root is.

    Stages name their own paths: if they took them from here, a new one would make every stage stale.
    """

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def resolved(self) -> Path:
        """The choices made for null and `auto` in params.yaml (models/compute/resolved.py)."""
        return self.root / "data/resolved.json"

    @property
    def raw(self) -> Path:
        """Imported tables; not there while the project runs on the simulated world."""
        return self.root / "data/raw"

    @property
    def reference(self) -> Path:
        """What the DAG needs from the world: the champion's bundle, the profile of the data accepted last."""
        return self.root / "data/reference"

    @property
    def tables(self) -> Path:
        return self.root / "data/tables"

    @property
    def profile(self) -> Path:
        return self.root / "data/profile.json"

    @property
    def split(self) -> Path:
        return self.root / "data/split"

    @property
    def log(self) -> Path:
        return self.root / "data/log"

    @property
    def catalogue(self) -> Path:
        return self.root / "data/catalogue"

    @property
    def enriched(self) -> Path:
        """What was written of items and users."""
        return self.root / "data/enriched"

    @property
    def vectors(self) -> Path:
        return self.root / "data/vectors"

    @property
    def features(self) -> Path:
        return self.root / "data/features"

    @property
    def relations(self) -> Path:
        return self.tables / "relations.parquet"

    @property
    def retrievers(self) -> Path:
        return self.root / "data/retrievers"

    @property
    def bundle(self) -> Path:
        return self.root / "data/bundle"

    @property
    def evaluation(self) -> Path:
        return self.root / "data/evaluation"

    @property
    def recommendations(self) -> Path:
        return self.evaluation / "recommendations.parquet"

    @property
    def reports(self) -> Path:
        return self.root / "data/reports"

    @property
    def ratings(self) -> Path:
        return self.root / "data/ratings"

    @property
    def tuning(self) -> Path:
        return self.root / "data/tuning"
