"""Project: the paths, params and facts of one project folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel

from features.errors import ContractError
from features.params import parse, positives, read_params, section
from features.positives import Positives
from features.schema import INTERACTIONS
from features.split import Cuts, read_cuts
from flows.project.paths import Paths
from models.data.types import Catalogue
from models.interfaces import FeatureLookup

PARTS = ("train", "valid", "test")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Project:
    """The folder that a command acts on. Nothing is kept between calls: a run changes the files."""

    root: Path

    @cached_property
    def paths(self) -> Paths:
        return Paths(self.root)

    def params(self) -> dict[str, Any]:
        """params.yaml with the choices of its profile made."""
        return read_params(self.paths.params)

    def section(self, name: str, kind: type[P], *, optional: bool = False) -> P:
        """A section of params.yaml (dots go down); one that is optional and left out has its defaults.

        Raises:
            UserError: it is missing or does not fit.
        """
        if optional:
            return parse(name, self.params().get(name), kind, self.paths.params)
        return section(name, kind, self.paths.params)

    def positives(self) -> Positives:
        """Which events are positive (`evaluate.targets`)."""
        return positives(self.paths.params)

    def source(self) -> dict[str, Any]:
        """Section `source`: where the data come from."""
        return dict(self.params().get("source") or {})

    def cuts(self) -> Cuts:
        """The instants that part the split."""
        return read_cuts(self.paths.split / "split.json")

    def part(self, name: str) -> pl.DataFrame:
        """INTERACTIONS of `train`, `valid` or `test`."""
        return INTERACTIONS.read(self.paths.split / f"{name}.parquet")

    def interactions(self) -> pl.DataFrame:
        """Every row of every part of the split, in time order of the parts."""
        return pl.concat([self.part(name) for name in PARTS])

    def data_until(self) -> int:
        """The instant at which the last row of the data was known [µs].

        Raises:
            ContractError: there is no row.
        """
        latest: Any = pl.concat(
            [
                pl.scan_parquet(self.paths.split / f"{name}.parquet").select(
                    pl.max_horizontal("timestamp", "known_at").max()
                )
                for name in PARTS
            ]
        ).max()
        instant = latest.collect().item()
        if instant is None:
            raise ContractError(f"{self.paths.split}: no interactions; import data and run the stages (`recops run`)")
        return int((instant - EPOCH) // timedelta(microseconds=1))

    def test_cutoff(self) -> int | None:
        """The instant up to which the judged bundle knows all data [µs]; None where each query has its own."""
        cuts = self.cuts()
        return cuts.test_cut if cuts.scheme == "global_time" else None

    def events_through(self) -> int:
        """Last sequence number of the event log that the data hold; 0 when none was exported yet."""
        path = self.paths.tables / "source.json"
        sidecar = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return int(sidecar.get("events_through") or 0)

    def offline_lookup(self, catalogue: Catalogue, folder: Path | None = None) -> FeatureLookup:
        """Features as of any instant, for the items of a catalogue; folder: feature tables other than the project's."""
        from features.offline.offline_lookup import OfflineLookup  # Feast takes seconds to import

        return OfflineLookup(
            folder or self.paths.features,
            catalogue.vocabulary.item_ids,
            catalogue.item_categories,
            catalogue.prices,
            catalogue.created_at,
        )
