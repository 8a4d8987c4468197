"""Foreign formats: files that no source reads, told by their first bytes or their ending, each with its own remedy."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

HEAD = 512  # bytes that are enough to tell a format
PARQUET = b"PAR1"

SAVE_SHEET = "save the sheet as CSV UTF-8 (one file a table) and import that"
UNPACK = "unpack it and give the folder"
_BY_HEAD = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of before 2007 (or another old Office file)", SAVE_SHEET),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", f"{UNPACK} (`7z x FILE`)"),
    (b"Rar!\x1a\x07", "a RAR archive", f"{UNPACK} (`unrar x FILE`)"),
    (b"\x1f\x9d", "a file of the old Unix `compress`", "unpack it with `uncompress FILE` and import that"),
    (b"SQLite format 3\0", "an SQLite database", "export its tables as CSV UTF-8 and import that"),
    (b"ARROW1", "an Arrow (Feather) file", "write it as parquet and import that"),
    (b"ORC", "an ORC file", "write it as parquet and import that"),
    (b"Obj\x01", "an Avro file", "write it as parquet and import that"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "write it as parquet and import that"),
    (b"\x80\x04\x95", "a Python pickle", "write it as parquet and import that"),
    (b"\x80\x05\x95", "a Python pickle", "write it as parquet and import that"),
    (b"%PDF-", "a PDF document", "export the table itself as CSV UTF-8 and import that"),
    (PARQUET, "a parquet file", "import it with `recops data import parquet`"),
)
_PAGES = ("<!doctype html", "<html", "<head", "<?xml")
_BY_ENDING = {
    ".xlsx": ("an Excel workbook", SAVE_SHEET),
    ".xlsm": ("an Excel workbook", SAVE_SHEET),
    ".xlsb": ("an Excel workbook", SAVE_SHEET),
    ".xls": ("an Excel workbook", SAVE_SHEET),
    ".ods": ("an OpenDocument spreadsheet", SAVE_SHEET),
    ".numbers": ("a Numbers spreadsheet", SAVE_SHEET),
    ".7z": ("a 7-Zip archive", f"{UNPACK} (`7z x FILE`)"),
    ".rar": ("a RAR archive", f"{UNPACK} (`unrar x FILE`)"),
    ".z": ("a file of the old Unix `compress`", "unpack it with `uncompress FILE` and import that"),
    ".sqlite": ("an SQLite database", "export its tables as CSV UTF-8 and import that"),
    ".db": ("a database", "export its tables as CSV UTF-8 and import that"),
    ".feather": ("an Arrow (Feather) file", "write it as parquet and import that"),
    ".arrow": ("an Arrow file", "write it as parquet and import that"),
    ".orc": ("an ORC file", "write it as parquet and import that"),
    ".avro": ("an Avro file", "write it as parquet and import that"),
    ".pkl": ("a Python pickle", "write it as parquet and import that"),
    ".pickle": ("a Python pickle", "write it as parquet and import that"),
    ".sas7bdat": ("a SAS file", "export the table as CSV UTF-8 and import that"),
    ".sav": ("an SPSS file", "export the table as CSV UTF-8 and import that"),
    ".dta": ("a Stata file", "export the table as CSV UTF-8 and import that"),
    ".rds": ("an R file", "write it as parquet or CSV UTF-8 (`write.csv`) and import that"),
    ".rdata": ("an R file", "write it as parquet or CSV UTF-8 (`write.csv`) and import that"),
    ".mdb": ("an Access database", "export its tables as CSV UTF-8 and import that"),
    ".accdb": ("an Access database", "export its tables as CSV UTF-8 and import that"),
    ".br": ("a Brotli file", "unpack it with `brotli -d FILE` and import that"),
    ".gsheet": ("a link to Google Sheets", "download the sheet as CSV and import that"),
    ".json": ("a JSON file", "write it as csv or parquet and import that"),
    ".jsonl": ("a JSON lines file", "write it as csv or parquet and import that"),
    ".ndjson": ("a JSON lines file", "write it as csv or parquet and import that"),
}
_IN_ZIP = {
    "xl/workbook.xml": ("an Excel workbook", SAVE_SHEET),
    "xl/workbook.bin": ("an Excel workbook", SAVE_SHEET),
    "content.xml": ("an OpenDocument spreadsheet", SAVE_SHEET),
    "Index/Document.iwa": ("a Numbers spreadsheet", SAVE_SHEET),
}


def foreign_data(data: bytes) -> str | None:
    """`what it is; what to do` for bytes of a binary format that is no table of ours; None: none that is known."""
    for head, what, remedy in _BY_HEAD:
        if data.startswith(head):
            return f"{what}; {remedy}"
    return _foreign_zip(data) if data.startswith(b"PK\3\4") else None


def foreign_text(text: str) -> str | None:
    """The same for text that is no table with a header."""
    start = text[:HEAD].lstrip().lower()
    if start.startswith(_PAGES):
        return "a web page, no data (a download that asks for a login gives one); download the file itself"
    if start.startswith(("{", "[")) and '"' in start and ":" in start:
        return "JSON; write it as csv or parquet and import that"
    return None


def _foreign_zip(data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            names = set(container.namelist())
    except (zipfile.BadZipFile, ValueError):
        return None
    return office_document(names) or f"a zip archive; give it itself with --path, or {UNPACK}"


def office_document(names: set[str]) -> str | None:
    """Which office document a zip with these names is; None: a plain archive."""
    return next((f"{what}; {remedy}" for name, (what, remedy) in _IN_ZIP.items() if name in names), None)


def foreign_name(name: str) -> str | None:
    """The same by the ending of a file's name."""
    known = _BY_ENDING.get(PurePosixPath(name).suffix.lower())
    return f"{known[0]}; {known[1]}" if known else None
