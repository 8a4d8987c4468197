"""Measured skew: recorded features against those of the offline tables as of the recorded instants.

The result stays below RECOPS_HOME until the next measurement; one above the limit blocks releases.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass

import numpy as np

from features.arrays import Float32
from features.files import write_text
from features.settings import Settings
from features.states.candidate_features import NAMES
from flows.project.dataset import Project
from models.flight.records.flight_folder import FlightFolder
from models.flight.records.record import FlightRecord
from models.flight.skew import FeatureSkew, feature_skew
from models.release.plan import load_catalogue
from models.release.store import ReleaseStore

MOST_RECORDS = 500  # the newest that the data reach to


@dataclass(frozen=True, kw_only=True)
class SkewReport:
    """release: whose answers were compared, None: there was none; features: the most differing first."""

    release: str | None
    n_records: int
    n_rows: int
    limit: float
    features: tuple[FeatureSkew, ...]

    @property
    def blocked(self) -> str | None:
        """Why no release may follow; None: one may."""
        worst = self.features[0] if self.features else None
        if worst is None or worst.share <= self.limit:
            return None
        return (
            f"features of answers differ from those that the ranker learns from: {worst.name} differs in "
            f"{worst.share:.1%} of {worst.n_rows} recorded values (by {worst.greatest:.3g} at most; limit "
            f"{self.limit:.1%}, RECOPS_SKEW_LIMIT); the service and data/features disagree"
        )

    def lines(self) -> list[str]:
        """For people: a summary, then each feature that differs."""
        if self.release is None:
            return ["no recorded answer that the data reach to: nothing was compared"]
        first = f"{self.n_rows} values of each feature, of {self.n_records} answers of release {self.release}"
        differing = [one for one in self.features if one.share > 0]
        rest = [f"{one.name}: {one.share:.2%} differ, by {one.greatest:.3g} at most" for one in differing]
        return [first, *(rest or ["no feature differs"])]


def measure(project: Project, settings: Settings) -> SkewReport:
    """Compares the newest answers of the live release that the project's data reach to."""
    release = ReleaseStore(settings.home).live()
    until, through = project.data_until(), project.events_through()
    newest: deque[FlightRecord] = deque(maxlen=MOST_RECORDS)
    for record in FlightFolder(settings.home).records():
        if record.release == release and record.at <= until and record.log_position <= through:
            newest.append(record)
    records = [record for record in newest if len(record.feature_rows) and len(record.shown)]
    report = SkewReport(release=None, n_records=0, n_rows=0, limit=settings.skew_limit, features=())
    if release is not None and records:
        recorded, offline = _rows(project, settings, release, records)
        report = SkewReport(
            release=release,
            n_records=len(records),
            n_rows=len(recorded),
            limit=settings.skew_limit,
            features=tuple(feature_skew(NAMES, recorded, offline)),
        )
    content = asdict(report) | {"blocked": report.blocked}
    write_text(json.dumps(content, indent=1) + "\n", settings.home / "skew.json")
    return report


def skew_refusal(settings: Settings) -> str | None:
    """Why the last measurement blocks releases; None: it does not, or there was none."""
    path = settings.home / "skew.json"
    if not path.is_file():
        return None
    blocked = json.loads(path.read_text(encoding="utf-8")).get("blocked")
    return str(blocked) if blocked else None


def _rows(project: Project, settings: Settings, release: str, records: list[FlightRecord]) -> tuple[Float32, Float32]:
    """(n_rows, n_looked_up) recorded and offline, one row a shown item."""
    catalogue = load_catalogue(ReleaseStore(settings.home).bundle(release))
    recorded, query, items = [], [], []
    for number, record in enumerate(records):
        columns = [record.feature_names.index(name) for name in NAMES]
        rows = np.searchsorted(record.feature_rows, record.shown)
        known = record.candidates.items[record.shown] < catalogue.n_items  # others were posted after the release
        recorded.append(record.features[rows[known]][:, columns])
        items.append(record.candidates.items[record.shown][known])
        query.append(np.full(int(known.sum()), number, dtype=np.int32))
    user_ids = np.array([record.user_id for record in records], dtype=np.str_)
    at = np.array([record.at for record in records], dtype=np.int64)
    lookup = project.offline_lookup(catalogue)
    offline = lookup.features(user_ids, at, np.concatenate(query), np.concatenate(items).astype(np.int32))
    return np.concatenate(recorded), offline
