"""csv: a folder with interactions.csv (or .tsv) and optionally items users relations item_vectors; or one file."""

from __future__ import annotations

from pathlib import Path

from features.reading.archive import Archive
from features.reading.packed.compression import bare_name
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet
from features.reading.table_folder import read_tables
from features.reading.text_files import csv_part, csv_sheet

ENDINGS = (".csv", ".tsv", ".txt")


def read(path: Path, options: Options) -> RawTables:
    """Tables from text files with a header; columns by our names, by --map, or by a guess that the report shows."""
    return read_tables(path, ENDINGS, _sheet, options)


def _sheet(box: Archive, name: str, *, part: bool) -> Sheet | None:
    separator = "\t" if bare_name(name).lower().endswith(".tsv") else None
    return csv_part(box, name, separator) if part else csv_sheet(box, name, separator)
