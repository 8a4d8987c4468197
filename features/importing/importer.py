"""Importing: a source's tables into data/raw, replacing or lengthening it; a failed import changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import UserError
from features.importing.download import find_input
from features.importing.event_kinds import notes_on_events
from features.importing.event_rows import EventRows, event_rows
from features.importing.placeholder_ids import notes_on_placeholders
from features.importing.raw_folder import Sidecar, read_raw, read_sidecar, recover, write_interactions, write_raw
from features.params import parse
from features.positives import DEFAULT_POSITIVES, Positives
from features.privacy.hashed_ids import KEY, IdHasher
from features.reading.assemble import check_lengths
from features.reading.raw_tables import Options, RawTables
from features.schema import INTERACTIONS, QUARANTINE, RAW_TABLES
from features.sources import SOURCES
from features.validation.expectations import Params

__all__ = ["ImportReport", "append_events", "find_input", "import_source", "read_raw", "read_sidecar", "sources_table"]

SIMULATOR = "simulator"
MAPPED = ("csv", "parquet")  # sources whose columns the caller may name
SHOPS = ("shopify", "woocommerce")
# option of an import: what the command line calls it, and the sources that take it
OPTIONS = {
    "columns": ("--map", MAPPED),
    "constants": ("--set", MAPPED),
    "order_column": ("--fill-down", MAPPED),
    "files": ("--interactions, --items and --users", (*MAPPED, *SHOPS)),
}


@dataclass(frozen=True)
class ImportReport:
    """What an import did. `counts` are those of this import, `n_rows` the interactions now in the folder."""

    source: str
    n_rows: int
    n_new: int
    counts: Mapping[str, int]
    sizes: Mapping[str, int]
    artificial_time: bool
    appended: bool
    notes: tuple[str, ...]

    def text(self) -> str:
        """For people: sizes first, then what they ought to know."""
        sizes = " · ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in self.sizes.items() if n)
        head = f"added {self.n_new:,} interactions from {self.source}" if self.appended else f"imported {self.source}"
        n_bad = sum(n for name, n in self.counts.items() if name.endswith("_quarantined"))
        bad = f"\n  {n_bad:,} unreadable rows in quarantine" if n_bad else ""
        return f"{head}: {sizes}{bad}" + "".join(f"\n  {note}" for note in self.notes)


def sources_table() -> list[tuple[str, str]]:
    """(name, what it reads) of every source, for `recops data sources`."""
    return [(name, what) for name, (_, what) in SOURCES.items()]


def import_source(
    source: str,
    path: Path | None,
    options: dict[str, Any],
    target: Path,
    append: bool,
    data_cache: Path | None,
    *,
    events_through: int = 0,
    positives: Positives = DEFAULT_POSITIVES,
) -> ImportReport:
    """Reads a source and replaces the folder `target` by its tables; with `append` its rows join those that are there.

    `options`: those of `Options`, and the simulator's own parameters. `events_through`: where the
    export of events starts (not with `append`, which leaves it where it is). `positives`: which events count as such,
    for the report.

    Raises:
        UserError: the source is unknown, its files are not there or broken, or they do not fit what is there.
    """
    if source not in SOURCES:
        raise UserError(f"no source named '{source}'; there are {sorted(SOURCES)} (`recops data sources`)")
    recover(target)
    if append and not (target / "source.json").is_file():
        raise UserError(
            f"{target}: nothing there that rows could be added to; import once without --append, then with it"
        )
    hasher: IdHasher | None = options.get("hasher")
    if append:
        _check_hashing(source, hasher, read_sidecar(target).id_key, target)
    tables = _read(source, path, options, data_cache)
    if append:
        return _append(source, tables, target, positives, hasher)
    sidecar = Sidecar(
        source=source,
        artificial_time=tables.artificial_time,
        n_rows=tables.interactions.height,
        counts=dict(tables.counts),
        events_through=events_through,
        notes=list(tables.notes),
        id_key=hasher.fingerprint if hasher else "",
    )
    write_raw(tables, sidecar, target)
    n_rows = tables.interactions.height
    return _report(source, tables, tables, n_rows, positives, hasher, appended=False)


def append_events(
    raw: Path, events: pl.DataFrame, events_through: int, *, after: int | None = None, params: Params | None = None
) -> EventRows:
    """Adds exported events to data/raw and moves its watermark in the same step; what was added and what set aside.

    Exactly once: an export that ends at or before the watermark adds nothing. `after` is the watermark that the
    export started from; when it is no longer the folder's, somebody else has exported meanwhile. `params`: what
    validation asks of the data; events that it would refuse without tolerance go to the quarantine.

    Raises:
        UserError: nothing was imported yet, or `after` is not the watermark.
    """
    recover(raw)
    sidecar = read_sidecar(raw)
    if events_through <= sidecar.events_through:
        return EventRows(INTERACTIONS.empty(), QUARANTINE.empty())
    if after is not None and after != sidecar.events_through:
        raise UserError(
            f"{raw}: holds the events through {sidecar.events_through}, but these start after {after}; "
            "export again from the watermark in source.json"
        )
    before = INTERACTIONS.read(raw / "interactions.parquet")
    fresh = event_rows(events, before, params or Params(), artificial_time=sidecar.artificial_time)
    together = pl.concat([before, fresh.interactions])
    quarantine = pl.concat([QUARANTINE.read(raw / "quarantine.parquet"), fresh.quarantine])
    counts = dict(sidecar.counts)
    for name, n in (("events_read", events.height), ("events_quarantined", fresh.quarantine.height)):
        counts[name] = counts.get(name, 0) + n
    update = {"events_through": events_through, "n_rows": together.height, "counts": counts}
    write_interactions(together, quarantine, sidecar.model_copy(update=update), raw)
    return fresh


def _read(source: str, path: Path | None, options: dict[str, Any], data_cache: Path | None) -> RawTables:
    path_of_module, _, function = SOURCES[source][0].partition(":")
    module = import_module(path_of_module)
    chosen = {key: value for key, value in options.items() if key in _option_names}
    of_simulator = {key: value for key, value in options.items() if key not in _option_names}
    for option, (flag, sources) in OPTIONS.items():
        if chosen.get(option) and source not in sources:
            raise UserError(f"{source}: its files and columns are fixed, so {flag} has no meaning; for {list(sources)}")
    if source == SIMULATOR:
        if path is not None or chosen.get("hasher"):
            raise UserError(
                "simulator: it reads no files and knows no people; leave --path and --hash-ids away (its parameters "
                "stand in params.yaml)"
            )
        tables: RawTables = getattr(module, function)(parse("source.simulator", of_simulator, module.Params))
        return tables
    if of_simulator:
        raise UserError(f"{source}: no option {sorted(of_simulator)}; there are {sorted(_option_names)}")
    read = getattr(module, function)
    files = chosen.get("files") or {}
    if files and path is not None:
        raise UserError(f"{source}: name the files by --path or by {OPTIONS['files'][0]}, not by both")
    if files and INTERACTIONS.name not in files:
        raise UserError(f"{source}: {' and '.join(f'--{name}' for name in files)} without --interactions FILE; add it")
    folder = files[INTERACTIONS.name] if files else find_input(source, path, data_cache)
    try:
        from_files: RawTables = read(folder, Options(**chosen))
    except MemoryError as error:
        raise UserError(
            f"{folder}: reading it takes more memory than is free here; split the tables into several files and add "
            "them with --append, or import where there is more memory"
        ) from error
    return from_files


_option_names = frozenset(field.name for field in fields(Options))


def _check_hashing(source: str, hasher: IdHasher | None, id_key: str, target: Path) -> None:
    """That rows are added only to rows whose ids were hashed alike.

    Raises:
        UserError: ids of one are plain and of the other hashed, or the keys differ.
    """
    fresh = hasher.fingerprint if hasher else ""
    if fresh == id_key:
        return
    if not fresh:
        raise UserError(f"{source}: the ids in {target} are hashed; add --hash-ids, with the key of that import")
    if not id_key:
        raise UserError(
            f"{source}: the ids in {target} are plain, so hashed ones would be other users; leave --hash-ids away, or "
            "import everything anew with it"
        )
    raise UserError(
        f"{source}: the ids in {target} were hashed with another key (fingerprint {id_key}) than {KEY} holds "
        f"({fresh}); set {KEY} to that key"
    )


def _append(source: str, fresh: RawTables, target: Path, positives: Positives, hasher: IdHasher | None) -> ImportReport:
    before, sidecar = read_raw(target), read_sidecar(target)
    if fresh.artificial_time and not before.artificial_time:
        raise UserError(
            f"{source}: its rows carry no times, those of {target} do, so nothing says which came first; "
            "give the new rows a timestamp, or import them without --append"
        )
    rows = fresh.interactions
    if fresh.artificial_time:
        last = before.interactions.get_column("timestamp").max()
        shifted = pl.col("timestamp") - pl.col("timestamp").min() + pl.lit(last) + pl.duration(seconds=1)
        rows = rows.with_columns(timestamp=shifted, known_at=shifted)
    new = rows.join(
        before.interactions, on=list(INTERACTIONS.columns), how="anti", nulls_equal=True, maintain_order="left"
    )
    notes = list(fresh.notes)
    if new.height < rows.height:
        notes.append(f"{rows.height - new.height} interactions were there already and were not added again")
    sides = {}
    for name, table in RAW_TABLES.items():
        if name != INTERACTIONS.name:
            key = list(table.key or table.columns)
            old, added = getattr(before, name), getattr(fresh, name)
            kept = old.join(added.select(key), on=key, how="anti", maintain_order="left")
            sides[name] = table.check(_below(name, kept, added), source="the import")
            if kept.height < old.height and table.key:
                notes.append(f"{name}: {old.height - kept.height} rows were replaced by newer ones")
    tables = replace(
        before,
        interactions=pl.concat([before.interactions, new]),
        items=sides["items"],
        users=sides["users"],
        relations=sides["relations"],
        item_vectors=sides["item_vectors"],
        quarantine=pl.concat([before.quarantine, fresh.quarantine]),
    )
    check_lengths(tables.item_vectors, f"item_vectors of {source} and {target}")
    counts = {key: sidecar.counts.get(key, 0) + fresh.counts.get(key, 0) for key in {*sidecar.counts, *fresh.counts}}
    update = {"n_rows": tables.interactions.height, "counts": counts, "notes": notes}
    update["appended"] = [*sidecar.appended, source]
    write_raw(tables, sidecar.model_copy(update=update), target)
    return _report(source, tables, replace(fresh, notes=tuple(notes)), new.height, positives, hasher, appended=True)


def _below(name: str, old: pl.DataFrame, added: pl.DataFrame) -> pl.DataFrame:
    """Both, one below the other; a column that only one has is null in the other."""
    if not old.height or not added.height:
        return added if added.height else old
    try:
        return pl.concat([old, added], how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        raise UserError(
            f"{name}: the new rows have other types than those in data/raw ({reason}); "
            "give the columns the same types, or import without --append"
        ) from error


def _report(
    source: str,
    now: RawTables,
    fresh: RawTables,
    n_new: int,
    positives: Positives,
    hasher: IdHasher | None,
    *,
    appended: bool,
) -> ImportReport:
    interactions = now.interactions
    sizes = {
        "interactions": interactions.height,
        "users_with_interactions": interactions.get_column("user_id").n_unique(),
        "items_with_interactions": interactions.get_column("item_id").n_unique(),
        **{name: getattr(now, name).height for name in RAW_TABLES if name != "interactions"},
    }
    return ImportReport(
        source,
        interactions.height,
        n_new,
        dict(fresh.counts),
        sizes,
        now.artificial_time,
        appended,
        (*fresh.notes, *notes_on_placeholders(interactions, hasher), *notes_on_events(interactions, positives)),
    )
