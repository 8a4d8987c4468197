"""csv: a folder with interactions.csv (or .tsv) and optionally items users relations item_vectors; or one file."""

from __future__ import annotations

from pathlib import Path

from features.reading.archive import Archive
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet
from features.reading.table_folder import read_tables
from features.reading.text_files import csv_sheet

ENDINGS = (".csv", ".tsv", ".txt")


def read(path: Path, options: Options) -> RawTables:
    """Tables from text files with a header; columns by our names, by --map, or by a guess that the report shows."""
    return read_tables(Archive.open(path), ENDINGS, _sheet, options)


def _sheet(box: Archive, name: str) -> Sheet:
    tab = name.lower().removesuffix(".gz").endswith(".tsv")
    return csv_sheet(box, name, separator="\t" if tab else None)
