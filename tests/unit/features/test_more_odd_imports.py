"""More inputs of the kinds that users met, thought of without regard to how the first ones were mended."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from features.errors import UserError
from features.importing.importer import ImportReport, import_source, read_raw

LOG = b"user_id,item_id,timestamp\n1,a,978300760\n2,b,978300761\n"


def imported(folder: Path, source: str, path: Path, **options: float) -> ImportReport:
    return import_source(source, path, dict(options), folder / "raw", False, None)


def rows(n: int, text: dict[int, str], separator: str = ",") -> str:
    lines = [separator.join([f"u{k % 9}", f"i{k % 7}", text.get(k, f"t{k}"), str(1_700_000_000 + k)]) for k in range(n)]
    return "\n".join([separator.join(["user_id", "item_id", "title", "timestamp"]), *lines]) + "\n"


def test_quotes_escaped_by_a_backslash_as_spark_and_mysql_write_them(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_text(rows(40, {k: rf'"say \"{k}\", then"' for k in range(0, 40, 2)}))
    report = imported(tmp_path, "csv", tmp_path / "interactions.csv")
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (40, 0)


def test_old_mac_line_ends_a_byte_order_mark_and_a_stray_quote(tmp_path: Path) -> None:
    text = rows(40, {5: '"open', 9: '2" pipe'}, "\t").replace("\n", "\r")
    (tmp_path / "interactions.tsv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    report = imported(tmp_path, "csv", tmp_path / "interactions.tsv")
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (40, 0)


def test_a_pipe_file_with_quoted_pipes_line_ends_and_a_stray_quote(tmp_path: Path) -> None:
    text = {3: '"a|b"', 5: '"two\nlines | and a pipe"', 9: '"open', 12: 'shut"'}
    (tmp_path / "interactions.txt").write_text(rows(40, text, "|"))
    report = imported(tmp_path, "csv", tmp_path / "interactions.txt")
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (39, 1)


def test_partitions_by_user_and_day_in_a_zip_of_compressed_parts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lake.zip", "w") as archive:
        for user in ("ann", "bob%40home"):
            for day in ("2024-01-05", "2024-01-06"):
                content = gzip.compress(b"item_id\na\nb\n")
                archive.writestr(f"lake/interactions/user_id={user}/timestamp={day}/part-00000.csv.gz", content)
        archive.writestr("lake/interactions/_SUCCESS", b"")
    assert imported(tmp_path, "csv", tmp_path / "lake.zip").n_rows == 8
    table = read_raw(tmp_path / "raw").interactions
    assert set(table["user_id"]) == {"ann", "bob@home"}
    assert set(table["timestamp"]) == {datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 1, 6, tzinfo=UTC)}


def test_a_table_in_parts_whose_later_parts_have_more_columns(tmp_path: Path) -> None:
    folder = tmp_path / "interactions.parquet"
    folder.mkdir()
    first = pl.DataFrame({"user_id": [1, 2], "item_id": [1, 2], "timestamp": [978300760, 978300761]})
    first.write_parquet(folder / "part-00000.parquet")
    later = first.with_columns(pl.col("user_id").cast(pl.Int32) + 10, event=pl.lit("buy"))
    later.write_parquet(folder / "part-00001.parquet")
    assert imported(tmp_path, "parquet", folder).n_rows == 4
    assert read_raw(tmp_path / "raw").interactions.select("user_id", "event").rows() == [
        ("1", None),
        ("2", None),
        ("11", "buy"),
        ("12", "buy"),
    ]


def test_half_written_parts_of_a_job_that_failed_are_no_rows(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "interactions"
    (folder / "_temporary" / "0").mkdir(parents=True)
    (folder / "part-00000.csv").write_bytes(LOG)
    (folder / "_temporary" / "0" / "part-00001.csv").write_bytes(LOG.replace(b"1,a", b"9,z"))
    assert imported(tmp_path, "csv", tmp_path / "in").n_rows == 2


def test_a_text_beside_the_parts_of_a_table_is_no_part(tmp_path: Path) -> None:
    folder = tmp_path / "interactions"
    folder.mkdir()
    (folder / "part-00000.csv").write_bytes(LOG)
    (folder / "part-00001.CSV").write_bytes(LOG.replace(b"1,a", b"9,z"))
    (folder / "README.txt").write_text("Exported every night.\n")
    report = imported(tmp_path, "csv", folder)
    assert (report.n_rows, report.counts["interactions_repeated"]) == (3, 1)
    assert any("files not taken: ['README.txt']" in note for note in report.notes)


def test_a_tar_archive_under_the_name_of_a_compressed_file(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("interactions.csv")
        member.size = len(LOG)
        archive.addfile(member, io.BytesIO(LOG))
    (tmp_path / "download.gz").write_bytes(gzip.compress(out.getvalue()))
    assert imported(tmp_path, "csv", tmp_path / "download.gz").n_rows == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("interactions.csv.lz4", pa.Codec("lz4").compress(LOG, asbytes=True)),
        ("interactions.csv.lzma", lzma.compress(LOG, format=lzma.FORMAT_ALONE)),
        ("interactions.csv", lzma.compress(LOG)),
    ],
)
def test_further_compressions_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert imported(tmp_path, "csv", tmp_path / name).n_rows == 2


def test_a_parquet_file_inside_a_compressed_file_is_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    pl.DataFrame({"user_id": ["1"], "item_id": ["a"]}).write_parquet(out)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "interactions.parquet.gz").write_bytes(gzip.compress(out.getvalue()))
    assert imported(tmp_path, "parquet", tmp_path / "in").n_rows == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("interactions.sas7bdat", "a SAS file"),
        ("interactions.sav", "an SPSS file"),
        ("interactions.dta", "a Stata file"),
        ("interactions.rds", "an R file"),
        ("interactions.accdb", "an Access database"),
        ("interactions.csv.br", "a Brotli file"),
        ("interactions.gsheet", "a link to Google Sheets"),
    ],
)
def test_files_of_other_programs_are_named(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"\x01\x02\0\xff" * 99)
    with pytest.raises(UserError, match=f"{name} is {says}"):
        imported(tmp_path, "csv", tmp_path / "in")
    with pytest.raises(UserError, match=says) as error:
        imported(tmp_path, "csv", tmp_path / "in" / name)
    assert "iconv" not in str(error.value)


def test_a_workbook_in_a_zip_and_beside_good_tables(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("2024/interactions.xlsx", b"PK\3\4")
    with pytest.raises(UserError, match="interactions.xlsx is an Excel workbook; save the sheet as CSV UTF-8"):
        imported(tmp_path, "csv", tmp_path / "export.zip")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "interactions.csv").write_bytes(LOG)
    (tmp_path / "in" / "items.xlsx").write_bytes(b"PK\3\4")
    notes = imported(tmp_path, "csv", tmp_path / "in").notes
    assert any("items.xlsx is an Excel workbook; save the sheet as CSV UTF-8" in note for note in notes)


def test_words_for_no_value_in_parquet_and_in_items(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    users = [None, "NULL", "\\N", "  nan ", *(f"u{k}" for k in range(96))]
    frame = pl.DataFrame({"user_id": users, "item_id": ["a"] * 100, "timestamp": range(978300760, 978300860)})
    frame.write_parquet(tmp_path / "in" / "interactions.parquet")
    pl.DataFrame({"item_id": ["a", *(f"i{k}" for k in range(30)), "null"]}).write_parquet(
        tmp_path / "in" / "items.parquet"
    )
    report = imported(tmp_path, "parquet", tmp_path / "in")
    assert (report.n_rows, report.counts["interactions_quarantined"], report.sizes["items"]) == (96, 4, 31)


@pytest.mark.parametrize("column", ["user_id", "item_id"])
def test_an_id_may_have_512_characters_and_no_more(tmp_path: Path, column: str) -> None:
    frame = pl.DataFrame({"user_id": ["u"] * 60, "item_id": ["i"] * 60, "timestamp": range(978300760, 978300820)})
    odd = pl.Series(["é" * 512, "é" * 513, *["x"] * 58])
    frame.with_columns(odd.alias(column)).write_parquet(tmp_path / "interactions.parquet")
    report = imported(tmp_path, "parquet", tmp_path / "interactions.parquet")
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (59, 1)
    assert any("longer than 512 characters" in note for note in report.notes)
