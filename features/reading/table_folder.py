"""Tables as a folder of files: interactions.*, optionally items.* users.* relations.* item_vectors.*; in parts too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote

import polars as pl

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.columns import check_mapping
from features.reading.naming import name_columns
from features.reading.packed.compression import bare_name
from features.reading.packed.foreign import foreign_name
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet, join_sheets
from features.schema import RAW_TABLES

OTHER_NAMES = {"relations": ("user_friends",)}
NO_VALUE = ("__HIVE_DEFAULT_PARTITION__", "__null__", "")  # of a partition
PART = re.compile(r"^(part|data|chunk|shard|file)?[-_.]?\d+", re.IGNORECASE)  # part-00000-…, data_0, 000000_0
LOG_FOLDERS = {  # of tables whose folder holds more files than the table has now
    "_delta_log": "Delta Lake",
    "metadata": "Iceberg",
}


class ReadSheet(Protocol):
    """Reads one file; None for one without rows where that is no fault. `part`: it is one of several of its table."""

    def __call__(self, box: Archive, name: str, *, part: bool) -> Sheet | None: ...


def read_tables(path: Path, endings: tuple[str, ...], read_sheet: ReadSheet, options: Options) -> RawTables:
    """All tables of a folder (or interactions alone from one file), columns by name, by --map or by guess.

    A table may be a folder of its name with many files, as Spark and Hive write it; the folder alone is taken for the
    interactions. Folders such as `day=1` within it become columns. `options.files` names the files instead.
    """
    given = _given(options.files, endings) if options.files else _given_by_name(path, endings)
    sheets: dict[str, Sheet] = {}
    notes = []
    for name, (box, names) in given.items():
        parts = [sheet for file in names if (sheet := _part(box, file, read_sheet, several=len(names) > 1))]
        _check_alike(parts)
        if any(sheet.frame.height + sheet.faults.height for sheet in parts):
            sheets[name] = join_sheets(parts)
        if len(names) > 1:
            notes.append(f"{name}: {len(names)} files are read as one table, {names[0]} to {names[-1]}")
    if "interactions" not in sheets:
        box, names = given["interactions"]
        raise UserError(f"{box.shown(names[0])}: no rows; expected interactions; export them again")
    check_mapping(options.columns, {name: sheet.columns for name, sheet in sheets.items()})
    sheets, more = name_columns(sheets, options)
    notes += more
    if not options.files:
        notes += _left_out(*given.values())
    return assemble(sheets, options, notes)


def _given(files: Mapping[str, Path], endings: tuple[str, ...]) -> dict[str, tuple[Archive, list[str]]]:
    """The files of each table that a caller names, whatever they are called; a folder or archive holds its parts."""
    given = {}
    for name, path in files.items():
        box = Archive.open(path)
        candidates = [file for file in box.find_all(*(f"*{ending}" for ending in endings)) if not _bookkeeping(file)]
        names = list(box.names) if box.single else _of_one_format(candidates, endings)
        if not names:
            raise box.missing(" or ".join(f"*{ending}" for ending in endings), f"give the file that holds the {name}")
        given[name] = (box, names)
    return given


def _given_by_name(path: Path, endings: tuple[str, ...]) -> dict[str, tuple[Archive, list[str]]]:
    box = Archive.open(path)
    files = {"interactions": list(box.names)} if box.single else _files(box, endings)
    if not files.get("interactions"):
        wanted = " or ".join(f"interactions{ending}" for ending in endings)
        remedy = "give the folder (or file) that holds the interactions, or name the files with --interactions FILE"
        raise box.missing(wanted, f"{remedy} and --items FILE")
    return {name: (box, names) for name, names in files.items()}


def _left_out(*given: tuple[Archive, list[str]]) -> list[str]:
    box = given[0][0]
    taken = {name for _, names in given for name in names}
    left = sorted(name for name in set(box.names) - taken if not _bookkeeping(name))
    if not left:
        return []
    meant = [name for name in left if PurePosixPath(name).stem in RAW_TABLES]
    return [
        f"files not taken: {left[:12]}{' and more' if len(left) > 12 else ''}",
        *(f"{name} is {foreign}" for name in meant if (foreign := foreign_name(name))),
    ]


def _files(box: Archive, endings: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The files of each table: the outermost `name.ending`, or all such files in a folder called `name`."""
    _check_plain(box)
    candidates = [name for name in box.find_all(*(f"*{ending}" for ending in endings)) if not _bookkeeping(name)]
    files: dict[str, list[str]] = {}
    for name in RAW_TABLES:
        for stem in (name, *OTHER_NAMES.get(name, ())):
            folders = {stem, *(f"{stem}{ending}" for ending in endings)}
            single = box.find(*(f"{stem}{ending}" for ending in endings))
            parts = [file for file in candidates if _table_of(file) in folders]
            if single or parts:
                files[name] = [single] if single else _of_one_format(parts, endings)
                break
    parts = _of_one_format(candidates, endings)
    if not files and parts and all(_is_part(file) for file in parts):
        files["interactions"] = parts  # the folder of the table was given itself
    return files


def _of_one_format(files: Sequence[str], endings: tuple[str, ...]) -> list[str]:
    """Those of the first ending that there is, in their order: a README.txt beside csv files is no part."""
    groups = ([file for file in files if bare_name(file).lower().endswith(ending)] for ending in endings)
    return sorted(next((group for group in groups if group), []), key=_in_order)


def _check_plain(box: Archive) -> None:
    for name in box.names:
        for folder in PurePosixPath(name).parts[:-1]:
            kind = LOG_FOLDERS.get(folder)
            if kind and (folder != "metadata" or name.endswith(".metadata.json")):
                raise UserError(
                    f"{box.shown(name)}: this is a {kind} table, whose folder also holds files that are no longer "
                    "part of it; write it as plain parquet (e.g. from Spark: table.write.parquet) and import that"
                )


def _table_of(file: str) -> str:
    """The folder that a file is a part of: the nearest one that is no partition; empty when there is none."""
    folders = [part for part in PurePosixPath(file).parts[:-1] if "=" not in part]
    return folders[-1] if folders else ""


def _is_part(file: str) -> bool:
    """Whether a file looks like one of the parts of a table that the given folder is."""
    return not _table_of(file) and ("=" in file.rpartition("/")[0] or PART.match(PurePosixPath(file).name) is not None)


def _bookkeeping(file: str) -> bool:
    """Files that Spark and others leave beside the parts: `_SUCCESS`, `_metadata`, `_delta_log/…`."""
    return any(part.startswith("_") and "=" not in part for part in PurePosixPath(file).parts)


def _in_order(file: str) -> list[tuple[int, int, str]]:
    """Parts by name, numbers by size: part-9 before part-10."""
    pieces = re.split(r"(\d+)", file)
    return [(1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces]


def _part(box: Archive, file: str, read_sheet: ReadSheet, *, several: bool) -> Sheet | None:
    """A file's sheet with a column for each `key=value` among its folders that is no column of the file."""
    sheet = read_sheet(box, file, part=several)
    if sheet is None:
        return None
    pairs = [folder.partition("=") for folder in PurePosixPath(file).parts[:-1] if "=" in folder]
    columns = {unquote(key): unquote(value) for key, _, value in pairs if key}
    new = [
        pl.lit(None if value in NO_VALUE else value, dtype=pl.String).alias(key)
        for key, value in columns.items()
        if key not in sheet.frame.columns and not key.startswith("_")
    ]
    return sheet.with_frame(sheet.frame.with_columns(new))


def _check_alike(parts: Sequence[Sheet]) -> None:
    """That the parts of a table name their columns.

    Raises:
        UserError: one has no column in common with the first, e.g. since only the first has a header.
    """
    for sheet in parts[1:]:
        if not set(sheet.columns) & set(parts[0].columns):
            raise UserError(
                f"{sheet.shown}: no column in common with {parts[0].shown}: {sheet.columns[:12]} against "
                f"{parts[0].columns[:12]}; write the header into each part, or join the parts into one file"
            )
