"""parquet and csv: the import contract, column by column."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.errors import UserError
from features.reading.raw_tables import Options, RawTables
from features.schema import ITEMS
from features.sources import csv, parquet

S = 1_600_000_000
WHEN = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _parquet(root: Path, options: Options | None = None, **frames: pl.DataFrame) -> RawTables:
    for name, frame in frames.items():
        frame.write_parquet(root / f"{name}.parquet")
    return parquet.read(root, options or Options())


def _csv(root: Path, text: str, options: Options | None = None) -> RawTables:
    (root / "log.csv").write_text(text)
    return csv.read(root / "log.csv", options or Options())


def _pairs(n: int, **columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"user_id": [str(i) for i in range(n)], "item_id": ["a"] * n, **columns}, strict=False)


@pytest.mark.parametrize(
    "times",
    [
        [S, S + 1],
        [float(S), S + 1.0],
        [S * 1000, S * 1000 + 1000],
        [S * 1_000_000, S * 1_000_000 + 1_000_000],
        [S * 1_000_000_000, (S + 1) * 1_000_000_000],
        [str(S), str(S + 1)],
        ["2020-09-13T12:26:40Z", "2020-09-13T14:26:41+02:00"],
        ["2020-09-13 12:26:40", "2020-09-13T12:26:41.000"],
        [WHEN, WHEN + timedelta(seconds=1)],
        [WHEN.replace(tzinfo=None), WHEN.replace(tzinfo=None) + timedelta(seconds=1)],
    ],
)
def test_times_in_every_accepted_form_are_the_same_instants(tmp_path: Path, times: list[object]) -> None:
    tables = _parquet(tmp_path, interactions=_pairs(2, timestamp=times))
    assert tables.interactions["timestamp"].to_list() == [WHEN, WHEN + timedelta(seconds=1)]
    assert tables.interactions["known_at"].to_list() == [WHEN, WHEN + timedelta(seconds=1)]


def test_a_day_is_its_midnight(tmp_path: Path) -> None:
    assert _parquet(tmp_path, interactions=_pairs(1, timestamp=[date(2020, 9, 13)])).interactions["timestamp"][0] == (
        datetime(2020, 9, 13, tzinfo=UTC)
    )
    assert _csv(tmp_path, "user_id,item_id,timestamp\n1,a,2020-09-13\n").interactions["timestamp"][0] == (
        datetime(2020, 9, 13, tzinfo=UTC)
    )


def test_known_at_is_kept_and_its_absence_is_the_timestamp(tmp_path: Path) -> None:
    tables = _parquet(tmp_path, interactions=_pairs(2, timestamp=[S, S], known_at=[S + 60, None]))
    assert tables.interactions["known_at"].to_list() == [WHEN + timedelta(minutes=1), WHEN]


def test_numbers_as_ids_are_kept_as_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user_id": [1, 2], "item_id": [7.0, 8.0], "timestamp": [S, S], "rating": [3, None]})
    tables = _parquet(tmp_path, interactions=frame, items=pl.DataFrame({"item_id": [7, 8]}))
    assert tables.interactions.select("user_id", "item_id", "value").rows() == [("1", "7", 3.0), ("2", "8", None)]
    assert not any("have no row in items" in note for note in tables.notes)


@pytest.mark.parametrize("order", ["time_order", "seq_in_user", "list_pos"])
def test_an_order_column_gives_an_artificial_time(tmp_path: Path, order: str) -> None:
    tables = _parquet(tmp_path, interactions=_pairs(3, timestamp=[None] * 3, **{order: [30, 10, 20]}))
    assert tables.artificial_time
    assert tables.interactions["timestamp"].to_list() == [EPOCH + timedelta(seconds=n) for n in (2, 0, 1)]
    assert any(f"column '{order}' gives an artificial time" in note for note in tables.notes)
    assert not any("not kept" in note for note in tables.notes)


def test_lists_may_be_lists_or_text_with_bars(tmp_path: Path) -> None:
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "tags": ["x| y|", "", None], "color": ["red", None, "blue"]})
    tables = _parquet(tmp_path, interactions=_pairs(1), items=items)
    assert tables.items["tags"].to_list() == [["x", "y"], None, None]
    assert tables.items.columns == [*ITEMS.columns, "color"]


def test_friends_and_vectors_come_along(tmp_path: Path) -> None:
    friends = pl.DataFrame({"user_id": [1, 1, 1], "friend_id": [2, 2, 3]})
    vectors = pl.DataFrame({"item_id": ["a"], "modality": ["image"], "vector": [[0.5, 1.0]]})
    tables = _parquet(tmp_path, interactions=_pairs(1), user_friends=friends, item_vectors=vectors)
    assert tables.relations.rows() == [("1", "2"), ("1", "3")]
    assert tables.item_vectors.rows() == [("a", "image", [0.5, 1.0])]


def test_items_without_any_price_get_the_median_price_paid(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user_id": ["u"] * 5,
            "item_id": list("aaabb"),
            "timestamp": [S, S + 1, S + 2, S, S + 1],
            "unit_price": [1.0, 2.0, 9.0, 0.0, 4.0],
        }
    )
    tables = _parquet(tmp_path, interactions=frame, items=pl.DataFrame({"item_id": ["a", "b", "c"]}))
    assert tables.items["price"].to_list() == [2.0, 4.0, None]  # the price 0 of b says nothing


def test_a_table_of_several_parquet_shards_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "interactions").mkdir()
    for part in (0, 1):
        _pairs(1, timestamp=[S + part]).write_parquet(tmp_path / "interactions" / f"part-{part}.parquet")
    assert parquet.read(tmp_path, Options()).interactions["timestamp"].to_list() == [WHEN, WHEN + timedelta(seconds=1)]


def test_guessed_columns_are_shown(tmp_path: Path) -> None:
    tables = _csv(tmp_path, f"Customer ID;SKU;InvoiceDate;Stars\n12;x;{S};four\n" + f"13;y;{S};5\n" * 30)
    assert tables.interactions["user_id"][0] == "13"
    assert tables.quarantine.select("line", "column", "found").rows() == [(2, "value", "four")]
    note = next(note for note in tables.notes if "guessed" in note)
    assert "user_id = Customer ID, item_id = SKU, timestamp = InvoiceDate, value = Stars" in note


def test_told_columns_win_over_guesses(tmp_path: Path) -> None:
    told = Options(columns={"user_id": "buyer", "interactions.value": "weight"})
    tables = _csv(tmp_path, f"buyer,user,item_id,weight,rating,timestamp\nme,you,a,2,5,{S}\n", told)
    assert tables.interactions.select("user_id", "item_id", "value").rows() == [("me", "a", 2.0)]


def test_a_told_column_that_is_not_there_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column 'nobody' in any file"):
        _csv(tmp_path, "user_id,item_id\n1,2\n", Options(columns={"user_id": "nobody"}))
    with pytest.raises(UserError, match="'user' is no column of ours"):
        _csv(tmp_path, "user_id,item_id\n1,2\n", Options(columns={"user": "user_id"}))


def test_quoted_fields_may_hold_separators_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_text("user_id,item_id\n" + "1,a\n" * 1 + "2,b\n")
    items = 'item_id,title,pages\na,"one, ""two""\nthree",12\nb,four,x,y\n' + "".join(f"c{n},t,1\n" for n in range(40))
    (tmp_path / "items.csv.gz").write_bytes(gzip.compress(("\ufeff" + items).encode()))
    tables = csv.read(tmp_path, Options())
    assert tables.items.row(0, named=True)["title"] == 'one, "two"\nthree'
    assert tables.items["pages"].dtype == pl.Int64
    assert tables.quarantine.rows() == [("items.csv.gz", 4, None, "b,four,x,y", "4 fields, expected 3")]


def test_windows_line_ends_blank_lines_and_tabs_read_alike(tmp_path: Path) -> None:
    (tmp_path / "interactions.tsv").write_bytes(
        b"user_id\titem_id\tvalue\r\n1\ta\t1\r\n\r\n2\tb\tx\r\n" + b"3\tc\t1\r\n" * 30
    )
    tables = csv.read(tmp_path, Options())
    assert tables.interactions["user_id"].to_list() == ["1", "3"]
    assert tables.quarantine.select("line", "found").rows() == [(4, "x")]
    assert tables.counts["interactions_repeated"] == 29


def test_utf_16_with_its_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_bytes("user_id,item_id\né,a\n".encode("utf-16"))
    assert csv.read(tmp_path, Options()).interactions["user_id"].to_list() == ["é"]


def test_the_set_share_decides_whether_an_import_goes_on(tmp_path: Path) -> None:
    text = "user_id,item_id,value\n" + "".join(f"{n},a,1\n" for n in range(95)) + "x,a,bad\n" * 1
    assert _csv(tmp_path, text, Options(bad_share=1 / 96)).quarantine.height == 1
    with pytest.raises(UserError, match=r"1 of 96 rows \(1.0%\) cannot be read.*line 97 of log.csv, column 'value'"):
        _csv(tmp_path, text, Options(bad_share=0.01))
