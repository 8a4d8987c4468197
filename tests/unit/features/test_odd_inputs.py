"""Odd inputs nobody thought of: whatever is in the files, the answer is tables or a readable paragraph."""

# ruff: noqa: E501 (one file a line)

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from features.errors import UserError
from features.importing.importer import import_source
from features.reading.assemble import assemble
from features.reading.raw_tables import Options
from features.reading.sheet import FILE, LINE, Sheet
from features.schema import RAW_TABLES

KINDS = {
    "small integers": pl.Series([1, 2], dtype=pl.Int8),
    "integers beyond int64": pl.Series([1, 2**63 + 5], dtype=pl.UInt64),
    "halves": pl.Series([1.5, 2.0], dtype=pl.Float32),
    "not a number": pl.Series([float("nan"), float("nan")]),
    "infinite": pl.Series([float("inf"), float("inf")]),
    "yes and no": pl.Series([True, False]),
    "nothing": pl.Series([None, None]),
    "empty text": pl.Series(["", " "]),
    "days": pl.Series([date(2020, 1, 1)] * 2),
    "nanoseconds": pl.Series([datetime(2020, 1, 1)] * 2).cast(pl.Datetime("ns")),
    "times elsewhere": pl.Series([datetime(2020, 1, 1)] * 2).dt.replace_time_zone("Europe/Berlin"),
    "times of day": pl.Series([time(1)] * 2),
    "durations": pl.Series([timedelta(1)] * 2),
    "bytes": pl.Series([b"a", b"b"]),
    "decimals": pl.Series([Decimal("1.5")] * 2),
    "categories": pl.Series(["a", "b"], dtype=pl.Categorical),
    "lists of text": pl.Series([["a"], ["b"]]),
    "lists of two lengths": pl.Series([[1.0], [2.0, 3.0]]),
    "lists of nothing": pl.Series([[None], []]),
    "structures": pl.Series([{"a": 1}, {"a": 2}]),
    "arrays": pl.Series([[1.0, 2.0], [3.0, 4.0]], dtype=pl.Array(pl.Float32, 2)),
    "lists of lists": pl.Series([[["a"]], [["b"]]]),
}
TABLES = {
    "interactions": pl.DataFrame({"user_id": ["1", "2"], "item_id": ["1", "2"]}),
    "items": pl.DataFrame({"item_id": ["1", "2"]}),
    "users": pl.DataFrame({"user_id": ["1", "2"]}),
    "relations": pl.DataFrame({"user_id": ["1", "2"], "friend_id": ["2", "1"]}),
    "item_vectors": pl.DataFrame({"item_id": ["1", "2"], "modality": ["i", "i"], "vector": [[1.0], [2.0]]}),
}
FURTHER = {"interactions": ["time_order", "unit_price", "further"], "items": ["further"], "users": ["further"]}
FILES = {
    "csv": {
        "interactions.csv": b'user_id,item_id,timestamp\n1,a,978300760\n2,"b",978300761\n',
        "items.csv": b'item_id,title,tags,price,created_at\na,"A, ""q""",x|y,1.5,2020-01-01\nb,B,,2,2020-01-02T03:04Z\n',
        "item_vectors.csv": b"item_id,modality,vector\na,image,1|2\n",
    },
    "movielens": {"ratings.dat": b"1::1::5::978300760\n2::1::4::978300761\n", "movies.dat": b"1::A (1990)::Drama|War\n"},
    "amazon": {"reviews.json": b'{"reviewerID":"A","asin":"B","overall":5.0,"unixReviewTime":978300760}\n'},
    "mind": {"behaviors.tsv": b"1\tU1\t11/11/2019 9:05:58 AM\tN9\tN1-1 N2-0\n"},
    "recbole": {"x.inter": b"user_id:token\titem_id:token\trating:float\n1\t1\t3\n", "x.item": b"item_id:token\tq:float_seq\n1\t1 2\n"},
}  # fmt: skip
PIECES = [
    b"\n",
    b"\t",
    b",",
    b'"',
    b"::",
    b"|",
    b"\0",
    b"\xff",
    b"",
    b"NaN",
    b"1e400",
    b"9" * 20,
    b"{",
    b"null",
    b"\r",
    b"\xef\xbb\xbf",
]


def _columns() -> Iterator[tuple[str, str]]:
    for name, table in RAW_TABLES.items():
        for column in [*table.columns, *FURTHER.get(name, [])]:
            yield name, column


@pytest.mark.parametrize(("name", "column"), _columns())
def test_a_column_of_any_type_gives_tables_or_a_paragraph(name: str, column: str) -> None:
    for kind, values in KINDS.items():
        sheets = {}
        for table, frame in TABLES.items():
            put = frame.with_columns(values.rename(column)) if table == name else frame
            put = put.with_columns(pl.lit(f"{table}.parquet").alias(FILE), pl.Series(LINE, [1, 2]))
            sheets[table] = Sheet(put, f"{table}.parquet")
        try:
            tables = assemble(sheets, Options(bad_share=0.5))
        except UserError as error:
            assert f"{name}.parquet" in str(error), kind
        else:
            for table, contract in RAW_TABLES.items():
                contract.check(getattr(tables, table), source=kind)


@pytest.mark.parametrize("source", FILES)
def test_a_changed_file_gives_tables_or_a_paragraph(source: str, tmp_path: Path) -> None:
    rng = random.Random(7)
    for turn in range(60):
        folder = tmp_path / str(turn)
        folder.mkdir()
        spoiled = rng.choice(list(FILES[source]))
        for name, content in FILES[source].items():
            if name == spoiled:
                at = rng.randrange(len(content))
                content = content[:at] + rng.choice(PIECES) + content[at + rng.randrange(8) :]
            (folder / name).write_bytes(content)
        try:
            import_source(source, folder, {"bad_share": 0.9}, tmp_path / "raw", False, None)
        except UserError as error:
            assert "\n" not in str(error)
            assert str(folder) in str(error)
