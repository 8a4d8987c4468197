"""Raw data of the project: `recops data import`, the export of events, and the simulated world written to files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from features.catalogue_changes.item import ItemState
from features.catalogue_changes.item_log import ItemLog
from features.catalogue_changes.joining import joined
from features.errors import UserError
from features.events import shards
from features.events.connecting import open_database
from features.events.event_log import EventLog, as_interactions
from features.importing.importer import ImportReport, append_events, import_source
from features.importing.raw_folder import SIDECAR, read_sidecar, recover, write_item_vectors, write_items
from features.privacy.hashed_ids import KEY, MAKE_ONE, IdHasher, hashed, hasher_for, read_id_key
from features.schema import INTERACTIONS, ITEM_VECTORS, ITEMS
from features.settings import Settings
from features.validation.expectations import Params
from flows.project.dag import Dag
from flows.project.dataset import Project
from flows.project.params_file import edit_source
from flows.project.reference import drop_reference
from flows.project.under_dvc import RAW, REFERENCE, put_under_dvc, restored_on_failure


def import_into_project(
    project: Project,
    settings: Settings,
    source: str,
    path: Path | None = None,
    *,
    append: bool = False,
    options: dict[str, Any] | None = None,
    hash_ids: bool = False,
) -> ImportReport:
    """Replaces (or with `append` lengthens) data/raw and its .dvc, and edits section `source` of params.yaml only.

    Without `append` a new line of data starts: no champion but the built-in one, no accepted profile, and the events
    that the service has recorded until now belong to the line before.
    A failed import changes nothing. With `hash_ids` the data hold hashes of user ids under the key of the settings.
    """
    chosen = dict(options or {})
    if hash_ids:
        chosen["hasher"] = _hasher(settings)
    if source == "simulator":
        chosen = {**(project.params().get("source", {}).get("simulator") or {}), **chosen}
    through = 0 if append else last_event(settings)
    posted = posted_items(settings)
    with _all_or_nothing(project):
        report = import_source(
            source,
            path,
            chosen,
            project.root / RAW,
            append,
            settings.data_cache,
            events_through=through,
            positives=project.positives(),
        )
        _join_items(project, posted)
        put_under_dvc(project.root, RAW)
        changes: dict[str, Any] = {"input": RAW}
        if not append:
            drop_reference(project)
            changes |= {"name": source, "line": _content(project)}
        edit_source(project, changes)
    return report


def _hasher(settings: Settings) -> IdHasher:
    """The hasher of this machine's key.

    Raises:
        UserError: no key is set, or it is too short.
    """
    key = settings.id_key.get_secret_value()
    if not key:
        raise UserError(
            f"--hash-ids: {KEY} is not set; make a key once with `{MAKE_ONE}`, set {KEY} to it here and where the "
            "service runs, and keep it: without it no user is recognized"
        )
    return IdHasher(key)


def _all_or_nothing(project: Project) -> AbstractContextManager[None]:
    """Data, their .dvc files and params.yaml as before when what follows fails, also when it is DVC that refuses."""
    folders = [project.root / RAW, project.root / REFERENCE]
    return restored_on_failure(folders, [project.paths.params, *(Path(f"{folder}.dvc") for folder in folders)])


def make_solid(project: Project, settings: Settings) -> None:
    """Writes the simulated world into data/raw, where events can be added to it; does nothing when data/raw exists.

    The line of data goes on: the same world, so releases made from it stay champions.
    """
    source = project.params()["source"]
    if source["input"] == RAW:
        return
    with _all_or_nothing(project):
        import_source(
            "simulator", None, dict(source.get("simulator") or {}), project.root / RAW, False, settings.data_cache
        )
        put_under_dvc(project.root, RAW)
        edit_source(project, {"input": RAW})


def add_item_vectors(project: Project, settings: Settings, rows: pl.DataFrame) -> int:
    """Puts rows of ITEM_VECTORS into data/raw, in place of those of their modalities; how many are of known items.

    Raises:
        UserError: none is of an item of the data, a run holds the workspace, or DVC refuses; then nothing has changed.
    """
    with Dag(project.root).exclusive(wait_s=0):
        make_solid(project, settings)
        folder = project.root / RAW
        known = {*ITEMS.read(folder / "items.parquet")["item_id"]}
        known |= {*INTERACTIONS.read(folder / "interactions.parquet")["item_id"].unique()}
        there = rows.filter(pl.col("item_id").is_in(sorted(known)))
        if there.is_empty():
            raise UserError(
                f"item vectors: none of {rows.height} is of an item of the data, e.g. '{rows['item_id'][0]}'; files "
                "are named by item ids"
            )
        others = ITEM_VECTORS.read(folder / "item_vectors.parquet").filter(
            ~pl.col("modality").is_in(there["modality"].unique().to_list())
        )
        with _all_or_nothing(project):
            write_item_vectors(pl.concat([others, there]), folder)
            put_under_dvc(project.root, RAW)
    return there.height


def last_event(settings: Settings) -> int:
    """Sequence number of the event log's last event; 0 when there is no log yet."""
    if not settings.database_url and not (settings.home / "events.db").is_file():
        return 0
    log = EventLog(settings.events_url)
    try:
        return log.last_seq()
    finally:
        log.close()


def posted_items(settings: Settings) -> list[ItemState]:
    """The states of all items that were posted; none where there is no log yet."""
    if not settings.database_url and not (settings.home / "events.db").is_file():
        return []
    with closing(open_database(settings.events_url)) as database:
        return ItemLog(database).states()


def _join_items(project: Project, posted: list[ItemState]) -> int:
    """Puts what was posted of items into data/raw; how many changes of items came in."""
    folder = project.root / RAW
    sidecar = read_sidecar(folder)
    through = max((state.seq for state in posted), default=0)
    fresh = [state for state in posted if state.seq > sidecar.items_through]
    if fresh:
        items = joined(ITEMS.read(folder / "items.parquet"), fresh)
        write_items(items, sidecar.model_copy(update={"items_through": through}), folder)
    return len(fresh)


def _content(project: Project) -> str:
    """Short hash of what data/raw holds, as DVC wrote it down."""
    written = YAML(typ="safe").load((project.root / f"{RAW}.dvc").read_text(encoding="utf-8"))
    return str(written["outs"][0]["md5"])[:12]


@dataclass(frozen=True)
class ExportReport:
    """What an export did: events and changed items added to data/raw, and how many events were set aside for
    which reason."""

    n_events: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    n_items: int = 0

    def text(self) -> str:
        """For people."""
        line = f"{self.n_events} events exported"
        line += f" and {self.n_items} posted items" if self.n_items else ""
        if not self.set_aside:
            return line
        reasons = "; ".join(f"{reason}: {n}" for reason, n in self.set_aside.items())
        return f"{line}, {sum(self.set_aside.values())} set aside in {RAW}/quarantine.parquet ({reasons})"


def export_events(project: Project, settings: Settings, *, wait_s: float = 0) -> ExportReport:
    """Adds the events since the last export to data/raw, exactly once; what validation would refuse is set aside.

    The watermark (`events_through` in data/raw/source.json) and the rows are replaced together, so an export that was
    killed either happened or did not. The simulated world is made solid first, so that events can be added to it.

    Raises:
        UserError: a run holds the workspace for longer than `wait_s`, or DVC refuses; then nothing has changed.
    """
    dag = Dag(project.root)
    with dag.exclusive(wait_s=wait_s):
        posted = posted_items(settings)
        has_items = max((state.seq for state in posted), default=0) > items_through(project)
        has_events = last_event(settings) > exported_through(project)
        if not has_events and not has_items:
            _repair(project)
            return ExportReport()
        make_solid(project, settings)
        after = exported_through(project)
        log = EventLog(settings.events_url)
        try:
            through = log.last_seq()
            rows = as_interactions(shards.frame(log, settings.event_shards, after, through))
        finally:
            log.close()
        hasher = hasher_for(read_id_key(project.root / RAW / SIDECAR), settings.id_key.get_secret_value(), RAW)
        if hasher is not None:  # events of before the hashed release went live; hashes stay as they are
            rows = rows.with_columns(hashed(rows.get_column("user_id"), hasher))
        params = project.section("validate", Params, optional=True)
        with _all_or_nothing(project):
            fresh = append_events(project.root / RAW, rows, through, after=after, params=params)
            n_items = _join_items(project, posted)
            put_under_dvc(project.root, RAW)
    return ExportReport(fresh.interactions.height, fresh.reasons(), n_items)


def exported_through(project: Project) -> int:
    """Sequence number of the last event that data/raw holds; 0 when it is not what the pipeline reads."""
    recover(project.root / RAW)
    if project.params()["source"]["input"] != RAW or not (project.root / RAW / SIDECAR).is_file():
        return 0
    return read_sidecar(project.root / RAW).events_through


def items_through(project: Project) -> int:
    """Number of the last change of the item log that data/raw holds; 0 when it is not what the pipeline reads."""
    if exported_through(project) == 0 and project.params()["source"]["input"] != RAW:
        return 0
    path = project.root / RAW / SIDECAR
    return read_sidecar(project.root / RAW).items_through if path.is_file() else 0


def _repair(project: Project) -> None:
    """Completes an export that was killed between writing the rows and `dvc add`."""
    if (project.root / RAW).is_dir():
        put_under_dvc(project.root, RAW)
