"""Tables as a folder of files: interactions.* and optionally items.* users.* relations.* item_vectors.*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.columns import check_mapping, choose_columns
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet, join_sheets
from features.schema import RAW_TABLES

OTHER_NAMES = {"relations": ("user_friends",)}


def read_tables(
    box: Archive, endings: tuple[str, ...], read_sheet: Callable[[Archive, str], Sheet | None], options: Options
) -> RawTables:
    """All tables of a folder (or interactions alone from one file), columns by name, by --map or by guess.

    `read_sheet` gives None for a file without rows where that is no fault.
    """
    files = {"interactions": list(box.names)} if box.single else _files(box, endings)
    if not files.get("interactions"):
        wanted = " or ".join(f"interactions{ending}" for ending in endings)
        raise box.missing(wanted, "give the folder (or file) that holds the interactions")
    sheets: dict[str, Sheet] = {}
    for name, found in files.items():
        parts = [sheet for sheet in (read_sheet(box, file) for file in found) if sheet is not None]
        if parts:
            sheets[name] = join_sheets(parts)
    if "interactions" not in sheets:
        raise UserError(f"{box.shown(files['interactions'][0])}: no rows; expected interactions; export them again")
    check_mapping(options.columns, {name: sheet.columns for name, sheet in sheets.items()})
    notes = []
    for name, sheet in sheets.items():
        choice = choose_columns(RAW_TABLES[name], sheet.columns, options.columns, sheet.shown)
        sheets[name] = sheet.take(choice.taken, rest=True)
        if choice.guessed:
            pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in choice.guessed.items())
            notes.append(f"{name}: guessed columns: {pairs}; correct a wrong guess with --map OURS=THEIRS")
    left = sorted(set(box.names) - {file for found in files.values() for file in found})
    if left:
        notes.append(f"files not taken: {left[:12]}{' and more' if len(left) > 12 else ''}")
    return assemble(sheets, options, notes)


def _files(box: Archive, endings: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The files of each table: the outermost `name.ending`, or all such files in a folder called `name`."""
    files: dict[str, list[str]] = {}
    for name in RAW_TABLES:
        for stem in (name, *OTHER_NAMES.get(name, ())):
            found = box.find(*(f"{stem}{ending}" for ending in endings))
            shards = [
                file
                for file in box.find_all(*(f"*{ending}" for ending in endings))
                if PurePosixPath(file).parent.name == stem
            ]
            if found or shards:
                files[name] = [found] if found else shards
                break
    return files
