"""Tables in parts, as Spark, Hive, DuckDB and others write them: every part is read, partitions become columns."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import polars as pl
import pytest

from features.errors import UserError
from features.importing.importer import ImportReport, import_source, read_raw

ROWS = pl.DataFrame(
    {
        "user_id": [f"u{k % 20}" for k in range(200)],
        "item_id": [f"i{k % 15}" for k in range(200)],
        "timestamp": [1_700_000_000 + k * 3600 for k in range(200)],
    }
)


def imported(folder: Path, source: str, path: Path) -> ImportReport:
    return import_source(source, path, {}, folder / "raw", False, None)


def write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if ".parquet" in path.suffixes:
        frame.write_parquet(path)
    else:
        frame.write_csv(path)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("given", ["the folder above", "the table"])
def test_a_folder_of_spark_is_one_table(tmp_path: Path, ending: str, given: str) -> None:
    table = tmp_path / "in" / f"interactions.{ending}"
    for k in range(2):
        write(ROWS[k * 100 : (k + 1) * 100], table / f"part-0000{k}-c000.snappy.{ending}")
    write(ROWS[:0], table / f"part-00002-c000.{ending}")  # Spark writes parts without rows
    (table / "_SUCCESS").touch()
    (table / "._SUCCESS.crc").touch()
    report = imported(tmp_path, ending, table if given == "the table" else table.parent)
    assert (report.n_rows, report.counts["interactions_read"]) == (200, 200)
    assert not any("not taken" in note for note in report.notes)
    assert any("3 files are read as one table" in note for note in report.notes)


@pytest.mark.parametrize("given", ["in", "in/interactions"])
def test_partitions_become_columns(tmp_path: Path, given: str) -> None:
    for k, event in enumerate(["view", "a%2Fb", "__HIVE_DEFAULT_PARTITION__"]):
        path = tmp_path / "in" / "interactions" / "year=2023" / "month=1" / f"event={event}" / "part-0.parquet"
        write(ROWS[k * 50 : (k + 1) * 50], path)
    assert imported(tmp_path, "parquet", tmp_path / given).n_rows == 150
    events = read_raw(tmp_path / "raw").interactions.get_column("event")
    assert events.to_list() == ["a/b"] * 50 + [None] * 50 + ["view"] * 50 or sorted(
        events.unique().to_list(), key=str
    ) == [None, "a/b", "view"]
    assert events.null_count() == 50


def test_items_and_users_may_be_tables_in_parts_too(tmp_path: Path) -> None:
    write(ROWS, tmp_path / "in" / "interactions.parquet")
    for lang in ("de", "fr"):
        items = pl.DataFrame({"item_id": [f"{lang}1", f"{lang}2"], "title": ["A", "B"]})
        write(items, tmp_path / "in" / "items.parquet" / f"lang={lang}" / "part-0.parquet")
        write(pl.DataFrame({"user_id": [lang]}), tmp_path / "in" / "users" / f"000000_{len(lang)}_{lang}.parquet")
    report = imported(tmp_path, "parquet", tmp_path / "in")
    assert (report.sizes["items"], report.sizes["users"]) == (4, 2)
    items = read_raw(tmp_path / "raw").items
    assert items.select("item_id", "lang").sort("item_id").rows() == [
        ("de1", "de"),
        ("de2", "de"),
        ("fr1", "fr"),
        ("fr2", "fr"),
    ]


def test_a_column_of_the_file_goes_before_the_partition_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "in" / "interactions" / "event=folder" / "data_0.parquet"
    write(ROWS.with_columns(event=pl.lit("file")), path)
    imported(tmp_path, "parquet", tmp_path / "in")
    assert read_raw(tmp_path / "raw").interactions.get_column("event").unique().to_list() == ["file"]


def test_parts_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for k in range(11):
        write(pl.DataFrame({"user_id": ["u"], "item_id": [f"i{k}"]}), tmp_path / "in" / f"data_{k}.csv")
    imported(tmp_path, "csv", tmp_path / "in")
    items = read_raw(tmp_path / "raw").interactions.sort("timestamp").get_column("item_id").to_list()
    assert items == [f"i{k}" for k in range(11)]


def test_compressed_parts_and_archives_of_parts_are_read(tmp_path: Path) -> None:
    import bz2
    import gzip
    import lzma

    table = tmp_path / "in" / "interactions"
    for k, (ending, pack) in enumerate({"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}.items()):
        write(ROWS[k * 50 : (k + 1) * 50], table / f"part-{k}.csv")
        plain = table / f"part-{k}.csv"
        (table / f"part-{k}.csv.{ending}").write_bytes(pack(plain.read_bytes()))
        plain.unlink()
    assert imported(tmp_path, "csv", tmp_path / "in").n_rows == 150
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "in")
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "in", "in")
    for name in ("packed.zip", "packed.tar.gz"):
        assert imported(tmp_path, "csv", tmp_path / name).n_rows == 150


def test_parts_of_which_only_the_first_has_a_header_are_named(tmp_path: Path) -> None:
    table = tmp_path / "in" / "interactions"
    write(ROWS[:100], table / "part-0.csv")
    (table / "part-1.csv").write_text("u1,i1,1700000000\n")
    with pytest.raises(UserError, match=r"part-1\.csv: no column in common with .*part-0\.csv.*header into each part"):
        imported(tmp_path, "csv", tmp_path / "in")


@pytest.mark.parametrize(
    ("log", "kind"), [("_delta_log/00000000000000000000.json", "Delta Lake"), ("metadata/v1.metadata.json", "Iceberg")]
)
def test_tables_with_a_log_of_their_own_are_refused(tmp_path: Path, log: str, kind: str) -> None:
    table = tmp_path / "in" / "interactions"
    write(ROWS, table / "part-0.parquet")
    (table / log).parent.mkdir()
    (table / log).write_text("{}")
    with pytest.raises(UserError, match=f"this is a {kind} table.*write it as plain parquet"):
        imported(tmp_path, "parquet", tmp_path / "in")


def test_another_folder_of_files_is_still_no_table(tmp_path: Path) -> None:
    write(ROWS, tmp_path / "in" / "clicks.csv")
    with pytest.raises(UserError, match="no interactions.csv"):
        imported(tmp_path, "csv", tmp_path / "in")
