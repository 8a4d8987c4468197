"""MovieLens in its three layouts, on files small enough to write the tables down by hand."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from features.reading.raw_tables import Options
from features.sources.movielens import read

AT = 978300760  # 2000-12-31 22:12:40 UTC
WHEN = datetime(2000, 12, 31, 22, 12, 40, tzinfo=UTC)


def _folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


ONE_M = {
    "ml-1m/ratings.dat": f"1::1193::5::{AT}\n1::661::3.5::{AT + 60}\n2::1193::4::{AT}\n".encode(),
    "ml-1m/movies.dat": "1193::Cuckoo's Nest, One (1975)::Drama\n661::Misérables, Les (1995)::Drama|Musical\n".encode(
        "latin-1"
    ),
    "ml-1m/users.dat": b"1::F::1::10::48067\n2::M::56::16::02139\n",
}


def test_reads_the_1m_files_with_latin_1_titles(tmp_path: Path) -> None:
    tables = read(_folder(tmp_path, ONE_M), Options())
    assert tables.interactions.select("user_id", "item_id", "value", "event").rows() == [
        ("1", "1193", 5.0, None),
        ("1", "661", 3.5, None),
        ("2", "1193", 4.0, None),
    ]
    assert tables.interactions["timestamp"][0] == tables.interactions["known_at"][0] == WHEN
    assert tables.items.select("item_id", "title", "tags", "category", "year", "description").rows() == [
        ("1193", "Cuckoo's Nest, One", ["Drama"], "Drama", 1975, None),
        ("661", "Misérables, Les", ["Drama", "Musical"], "Drama", 1995, None),
    ]
    assert tables.users.rows() == [("1", "F", "1", "10", "48067"), ("2", "M", "56", "16", "02139")]
    assert not tables.artificial_time
    assert tables.quarantine.is_empty()


def test_a_zip_reads_like_the_folder(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "folder", ONE_M)
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        for name, content in {**ONE_M, "__MACOSX/ml-1m/ratings.dat": b"junk", "ml-1m/.DS_Store": b"\0"}.items():
            archive.writestr(name, content)
    one, other = read(folder, Options()), read(tmp_path / "ml-1m.zip", Options())
    assert one.interactions.equals(other.interactions)
    assert one.items.equals(other.items)
    assert one.users.equals(other.users)


def test_reads_the_100k_files(tmp_path: Path) -> None:
    flags = ["0"] * 19
    flags[3], flags[5] = "1", "1"  # Animation, Comedy
    unknown = ["1", *["0"] * 18]
    items = "|".join(["1", "Toy Story (1995)", "01-Jan-1995", "", "http://x", *flags]) + "\n"
    items += "|".join(["267", "unknown", "", "", "", *unknown]) + "\n"
    files = {
        "u.data": f"196\t1\t3\t{AT}\n186\t267\t4\t{AT + 1}\n".encode(),
        "u.item": items.encode("latin-1"),
        "u.user": b"186|39|F|executive|00000\n196|49|M|writer|55105\n",
    }
    tables = read(_folder(tmp_path, files), Options())
    assert tables.interactions.select("user_id", "item_id", "value").rows() == [("196", "1", 3.0), ("186", "267", 4.0)]
    assert tables.items.select("item_id", "title", "tags", "category", "year").rows() == [
        ("1", "Toy Story", ["Animation", "Comedy"], "Animation", 1995),
        ("267", "unknown", None, None, None),
    ]
    assert tables.users.columns == ["user_id", "age", "gender", "occupation", "zip"]


def test_reads_the_latest_files_with_quoted_titles_and_user_tags(tmp_path: Path) -> None:
    files = {
        "ratings.csv": f"userId,movieId,rating,timestamp\n1,11,4.0,{AT}\n1,12,0.5,{AT + 1}\n".encode(),
        "movies.csv": (
            b'movieId,title,genres\n11,"American President, The (1995)",Comedy|Drama\n'
            b'12,"The ""Best""",(no genres listed)\n'
        ),
        "tags.csv": f"userId,movieId,tag,timestamp\n1,11,Politics,{AT}\n2,11,politics,{AT}\n2,11,love,{AT}\n".encode(),
        "links.csv": b"movieId,imdbId,tmdbId\n11,0112346,9087\n",
    }
    tables = read(_folder(tmp_path, files), Options())
    assert tables.interactions.select("item_id", "value").rows() == [("11", 4.0), ("12", 0.5)]
    assert tables.items.select("item_id", "title", "tags", "category", "year", "user_tags").rows() == [
        ("11", "American President, The", ["Comedy", "Drama"], "Comedy", 1995, ["politics", "love"]),
        ("12", 'The "Best"', None, None, None, None),
    ]


def test_bad_rows_are_set_aside_with_file_line_and_reason(tmp_path: Path) -> None:
    good = "".join(f"{user}::1::5::{AT + user}\n" for user in range(1, 100))
    bad = "7::1::five::978300761\n8::1::4\n::1::4::978300761\n9::1::4::\n"
    tables = read(_folder(tmp_path, {"ratings.dat": (good + bad).encode()}), Options())
    assert tables.interactions.height == 99
    assert tables.quarantine.sort("line").rows() == [
        ("ratings.dat", 100, "value", "five", "no number"),
        ("ratings.dat", 101, None, "8::1::4", "3 fields, expected 4"),
        ("ratings.dat", 102, "user_id", "", "no user_id"),
        ("ratings.dat", 103, "timestamp", "", "no time where other rows have one"),
    ]
    assert tables.counts["interactions_read"] == 103
    assert tables.counts["interactions_quarantined"] == 4


def test_only_rows_alike_in_all_columns_are_dropped(tmp_path: Path) -> None:
    rows = f"1::2::5::{AT}\n1::2::5::{AT}\n1::2::4::{AT}\n1::2::5::{AT + 1}\n"
    tables = read(_folder(tmp_path, {"ratings.dat": rows.encode()}), Options())
    assert tables.interactions.height == 3
    assert tables.counts["interactions_repeated"] == 1
    assert any("1 rows alike in all columns" in note for note in tables.notes)


def test_an_item_without_a_row_of_its_own_is_kept_with_a_warning(tmp_path: Path) -> None:
    files = {"ratings.dat": f"1::2::5::{AT}\n1::3::5::{AT}\n".encode(), "movies.dat": b"2::Jumanji (1995)::Adventure\n"}
    tables = read(_folder(tmp_path, files), Options())
    assert tables.interactions["item_id"].to_list() == ["2", "3"]
    assert any(
        note.startswith("warning: 1 items of 1 interactions have no row in items (e.g. '3')") for note in tables.notes
    )


def test_reads_the_real_ml_1m() -> None:
    cache = os.environ.get("RECOPS_DATA_CACHE")
    if not cache or not (Path(cache) / "ml-1m.zip").is_file():
        pytest.skip("RECOPS_DATA_CACHE is unset or has no ml-1m.zip")
    tables = read(Path(cache) / "ml-1m.zip", Options())
    assert (tables.interactions.height, tables.users.height, tables.items.height) == (1_000_209, 6_040, 3_883)
    assert tables.interactions["item_id"].n_unique() == 3_706
    assert tables.quarantine.is_empty()
    assert tables.items.filter(pl.col("item_id") == "1").row(0, named=True)["title"] == "Toy Story"
