"""The rows of an update: those of a release's data and the event log's up to a position, by the rules of export and
cleaning."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from features.cleaning.interactions import Params as CleanParams
from features.cleaning.interactions import clean_log
from features.errors import UserError
from features.events import shards
from features.events.event_log import EventLog, as_interactions
from features.importing.event_rows import event_rows
from features.importing.raw_folder import SIDECAR
from features.privacy.hashed_ids import hashed, hasher_for, read_id_key
from features.schema import INTERACTIONS
from features.settings import Settings
from features.table import type_of_time
from features.validation.expectations import Params as ValidateParams
from flows.project.dataset import Project
from flows.project.imports import last_event
from flows.project.reference import belongs_here
from models.release.bundle import combined_hash, sha256_of_files
from models.release.store import Release, ReleaseStore

ORDER = ("timestamp", "user_id", "item_id", "event", "value", "known_at")


@dataclass(frozen=True, kw_only=True)
class KnownRows:
    """What is known at a position of the event log, as INTERACTIONS.

    base: rows of the release's data, as they are stored; fresh: of the log's events after those, in time order, of one
    instant by their values, so that the order of arrival does not matter; known_at: [µs] of each event of the log after
    the release's, by seq; are_of_project: the project holds the release's data and no more; set_aside: how many events
    the export would set aside, by reason.
    """

    base: pl.DataFrame
    fresh: pl.DataFrame
    known_at: Mapping[int, int]
    position: int
    are_of_project: bool
    set_aside: Mapping[str, int]
    clean: CleanParams
    artificial_time: bool

    @cached_property
    def every(self) -> pl.DataFrame:
        """All rows in time order."""
        return pl.concat([self.base, self.fresh]).sort("timestamp", maintain_order=True)

    def cleaned(self, until: int | None = None) -> pl.DataFrame:
        """LOG of what had happened and was known until an instant [µs]; None: all."""
        rows = self.every
        if until is not None:
            rows = rows.filter(pl.col("timestamp") <= pl.lit(until).cast(type_of_time))
        return clean_log(rows, self.clean, at=until, artificial_time=self.artificial_time)[0]


def known_rows(project: Project, settings: Settings, release: Release, until: int | None) -> KnownRows:
    """Rows of a release's data and the events after them through seq `until` (None: the last one).

    Raises:
        UserError: the project's data are not those of the release, or the log has no such position.
    """
    if not belongs_here(project, release.source):
        raise UserError(
            f"release {release.release}: made from another line of data than this project's; run and release first "
            "(`recops run`, `recops release`)"
        )
    position = _position(settings, release, until)
    is_of_project = _is_of_project(project, release)
    base = project.interactions() if is_of_project else _base_rows(project, settings, release)
    artificial_time = project.cuts().artificial_time
    rows = _events(project, settings, release.events_through, position)
    validate = project.section("validate", ValidateParams, optional=True)
    events = event_rows(rows, base, validate, artificial_time=artificial_time)
    return KnownRows(
        base=base,
        fresh=events.interactions.select(list(INTERACTIONS.columns)).sort(ORDER, nulls_last=True, maintain_order=True),
        known_at=dict(rows.select("seq", pl.col("known_at").dt.epoch("us")).iter_rows()),
        position=position,
        are_of_project=is_of_project,
        set_aside=events.reasons(),
        clean=project.section("clean", CleanParams),
        artificial_time=artificial_time,
    )


def digest_of(rows: pl.DataFrame) -> str:
    """A hash of rows of LOG in their order, of all that parts learn from: `known_at` does not count."""
    digest, rows = hashlib.sha256(), rows.drop("known_at")
    for name, column in zip(rows.columns, rows.iter_columns(), strict=True):
        digest.update(name.encode())
        if column.dtype == pl.String:
            lengths = column.str.len_bytes().fill_null(0xFFFFFFFF).cast(pl.UInt32)
            digest.update(lengths.to_numpy().astype("<u4").tobytes())
            digest.update("".join(column.drop_nulls().to_list()).encode())
        elif column.dtype == pl.Float64:
            digest.update(column.fill_null(float("nan")).to_numpy().astype("<f8").tobytes())
        else:
            digest.update(column.dt.epoch("us").to_numpy().astype("<i8").tobytes())
    return digest.hexdigest()


def _events(project: Project, settings: Settings, after: int, through: int) -> pl.DataFrame:
    """INTERACTIONS rows and `seq` of the events after..through, with ids hashed as the project's are."""
    if through <= after:
        return INTERACTIONS.empty().with_columns(seq=pl.lit(None, dtype=pl.Int64))
    log = EventLog(settings.events_url)
    try:
        rows = as_interactions(shards.frame(log, settings.event_shards, after, through))
    finally:
        log.close()
    tables = project.paths.tables
    hasher = hasher_for(read_id_key(tables / SIDECAR), settings.id_key.get_secret_value(), str(tables))
    return rows if hasher is None else rows.with_columns(hashed(rows.get_column("user_id"), hasher))


def _base_rows(project: Project, settings: Settings, release: Release) -> pl.DataFrame:
    """The rows of a release's data, of a project that holds more by now: those of a later export are left out.

    Raises:
        UserError: they cannot be told from others: data were imported since, or changed.
    """
    rows, split = project.interactions(), project.paths.split
    exported = _events(project, settings, release.events_through, project.events_through())
    validate = project.section("validate", ValidateParams, optional=True)
    events = event_rows(exported, rows, validate, artificial_time=project.cuts().artificial_time).interactions
    columns = list(INTERACTIONS.columns)
    rows = rows.join(events, on=columns, how="anti", nulls_equal=True, maintain_order="left")
    profile = ReleaseStore(settings.home).folder(release.release) / "profile.json"
    expected = json.loads(profile.read_text(encoding="utf-8")).get("n_rows") if profile.is_file() else None
    if rows.height != expected:
        raise UserError(
            f"{split}: holds {rows.height:,} rows beside the exported events, expected the {expected or 0:,} of "
            f"release {release.release}: the data have changed since; run and release first (`recops run` and "
            "`recops release`)"
        )
    return rows


def _position(settings: Settings, release: Release, until: int | None) -> int:
    """The last event that the update knows."""
    last = last_event(settings)
    position = max(last, release.events_through) if until is None else until
    if not release.events_through <= position <= max(last, release.events_through):
        raise UserError(
            f"--until {position}: release {release.release} holds the events through {release.events_through}, and the "
            f"log ends at {last}; name an event between"
        )
    return position


def _is_of_project(project: Project, release: Release) -> bool:
    return combined_hash(sha256_of_files(project.paths.split)) == release.source.get("data_hash")
