"""Files of formats that no source reads: what they are and what to do; compressed and packed ones are read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from features.errors import UserError
from features.importing.importer import import_source

LOG = b"user_id,item_id,timestamp\n1,a,978300760\n2,b,978300761\n"


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def _tar(mode: str, content: bytes = LOG) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("export/interactions.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("export/users.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue()


def _sqlite(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "x.db")
    connection.execute("create table t (a)")
    connection.close()
    return (folder / "x.db").read_bytes()


WORKBOOK = _zip("[Content_Types].xml", "xl/workbook.xml")
FOREIGN = {
    "interactions.xlsx": (WORKBOOK, "an Excel workbook; save the sheet as CSV UTF-8"),
    "interactions.xlsb": (_zip("xl/workbook.bin"), "an Excel workbook; save the sheet as CSV UTF-8"),
    "interactions.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel workbook.*CSV UTF-8"),
    "interactions.ods": (_zip("mimetype", "content.xml"), "an OpenDocument spreadsheet; save the sheet as CSV UTF-8"),
    "interactions.csv": (WORKBOOK, "an Excel workbook; save the sheet as CSV UTF-8"),
    "interactions.7z": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive; unpack it"),
    "interactions.rar": (b"Rar!\x1a\x07\1\0", "a RAR archive; unpack it"),
    "interactions.csv.Z": (b"\x1f\x9d\x90abc", "a file of the old Unix `compress`; unpack it with `uncompress FILE`"),
    "interactions.feather": (b"ARROW1\0\0", r"an Arrow \(Feather\) file; write it as parquet"),
    "interactions.orc": (b"ORC\n\x03\0", "an ORC file; write it as parquet"),
    "interactions.avro": (b"Obj\x01\0", "an Avro file; write it as parquet"),
    "interactions.h5": (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file; write it as parquet"),
    "interactions.pkl": (b"\x80\x04\x95\0", "a Python pickle; write it as parquet"),
    "interactions.pdf": (b"%PDF-1.7\n\xe2\xe3", "a PDF document; export the table"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_format_is_named_with_its_remedy(tmp_path: Path, name: str) -> None:
    content, says = FOREIGN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: this is {says}" if "workbook.*" not in says else says) as error:
        import_source("csv", tmp_path / name, {}, tmp_path / "raw", False, None)
    assert "iconv" not in str(error.value)


@pytest.mark.parametrize("name", [name for name in FOREIGN if not name.endswith((".csv", ".h5", ".pdf"))])
def test_a_folder_that_holds_only_such_a_file_gives_the_same_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(FOREIGN[name][0])
    with pytest.raises(UserError, match=f"no interactions.csv.*{name} is ") as error:
        import_source("csv", tmp_path / "in", {}, tmp_path / "raw", False, None)
    assert "recops data import csv" not in str(error.value)


def test_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "interactions.sqlite").write_bytes(_sqlite(tmp_path))
    with pytest.raises(UserError, match="an SQLite database; export its tables as CSV"):
        import_source("csv", tmp_path / "interactions.sqlite", {}, tmp_path / "raw", False, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"user_id": "1", "item_id": "a"}\n', "JSON; write it as csv or parquet"),
        ('[{"user_id": "1"}]', "JSON"),
        ("<!DOCTYPE html>\n<html><title>Log in</title>", "a web page, no data"),
    ],
)
def test_text_that_is_no_table_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "interactions.csv").write_text(text)
    with pytest.raises(UserError, match=says):
        import_source("csv", tmp_path / "interactions.csv", {}, tmp_path / "raw", False, None)


def test_parquet_under_a_name_of_text_and_the_other_way_round(tmp_path: Path) -> None:
    pl.DataFrame({"user_id": ["1"], "item_id": ["a"]}).write_parquet(tmp_path / "interactions.csv")
    with pytest.raises(UserError, match="this is a parquet file; import it with `recops data import parquet`"):
        import_source("csv", tmp_path / "interactions.csv", {}, tmp_path / "raw", False, None)
    (tmp_path / "interactions.parquet").write_bytes(WORKBOOK)
    with pytest.raises(UserError, match="this is an Excel workbook"):
        import_source("parquet", tmp_path / "interactions.parquet", {}, tmp_path / "raw", False, None)


PACKED = {
    "interactions.csv.gz": gzip.compress(LOG),
    "interactions.csv.bz2": bz2.compress(LOG),
    "interactions.csv.xz": lzma.compress(LOG),
    "interactions.csv.zst": pa.Codec("zstd").compress(LOG, asbytes=True),
    "interactions.csv": gzip.compress(LOG),  # told by its first bytes
    "export.tar": _tar("w"),
    "export.tar.gz": _tar("w:gz"),
    "export.tgz": _tar("w:gz"),
    "export.tar.bz2": _tar("w:bz2"),
    "export.tar.xz": _tar("w:xz"),
    "export.tar.zst": pa.Codec("zstd").compress(_tar("w"), asbytes=True),
    "export": _zip("notes.txt"),  # a zip without an ending, and without interactions
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_files_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PACKED[name])
    if name == "export":
        with pytest.raises(UserError, match=r"no interactions.csv .*\['notes.txt'\]"):
            import_source("csv", tmp_path / name, {}, tmp_path / "raw", False, None)
        return
    report = import_source("csv", tmp_path / name, {}, tmp_path / "raw", False, None)
    assert (report.n_rows, report.sizes["users"]) == (2, 0)  # the link out of the archive is not followed


@pytest.mark.parametrize("name", [name for name in PACKED if name.count(".") == 2 or name.endswith("tgz")])
def test_damaged_packed_files_are_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PACKED[name][: len(PACKED[name]) * 2 // 3])
    with pytest.raises(UserError, match=rf"{name}.*(download|copy) it|{name}.*no interactions"):
        import_source("csv", tmp_path / name, {}, tmp_path / "raw", False, None)
    (tmp_path / name).write_bytes(b"no such thing at all")
    with pytest.raises(UserError, match=f"{name}.*download or copy it again"):
        import_source("csv", tmp_path / name, {}, tmp_path / "raw", False, None)


def test_an_archive_in_the_folder_is_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "interactions.csv.zip").write_bytes(_zip("interactions.csv"))
    with pytest.raises(UserError, match=r"interactions.csv.zip is an archive: give it itself with `--path .*csv.zip`"):
        import_source("csv", tmp_path / "in", {}, tmp_path / "raw", False, None)
