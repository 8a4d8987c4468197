"""Broken inputs: each ends with exit 2 and one paragraph that names the file and the remedy, and changes nothing."""

# ruff: noqa: E501 (the table below has one case a line)

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import UserError
from features.importing.importer import import_source

S = 978300760


@dataclass(frozen=True)
class Broken:
    """Files to import (one that begins with `zip:` is a zip archive's content), and what the message must say."""

    name: str
    source: str
    files: Mapping[str, bytes]
    says: tuple[str, ...]
    path: str = "."
    options: Mapping[str, Any] = field(default_factory=dict)


def _zip(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


def _damaged(archive: bytes) -> bytes:
    """A zip whose directory can be read and whose first file cannot be unpacked."""
    middle = 60
    return archive[:middle] + bytes(byte ^ 0xFF for byte in archive[middle : middle + 20]) + archive[middle + 20 :]


def _parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(columns, strict=False).write_parquet(out)
    return out.getvalue()


def _json(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


DAT = b"".join(b"%d::1::5::%d\n" % (user, S) for user in range(1, 40))
DATA = DAT.replace(b"::", b"\t")
CSV = b"userId,movieId,rating,timestamp\n" + DAT.replace(b"::", b",")
BOOKS = b"book_id,title,authors\n1,One,A\n"
RATED = b"user_id,book_id,rating\n1,1,5\n2,1,4\n"
REVIEW = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": S}
REVIEWS = _json(*({**REVIEW, "reviewerID": f"A{n}"} for n in range(30)))
SHOWN = b"1\tU1\t11/11/2019 9:05:58 AM\t\tN1-1 N2-0\n"
NEWS = b"N1\tnews\tus\tTitle\tText\thttps://x\t[]\t[]\n"
INTER = b"user_id:token\titem_id:token\ttimestamp:float\n1\t1\t978300760\n2\t1\t978300761\n"
LOG = b"user_id,item_id,timestamp\n1,a,978300760\n2,b,978300761\n"
PAIRS = {"user_id": ["1", "2"], "item_id": ["a", "b"]}
GOOD = _parquet(**PAIRS)

SOLD = b"Name,Email,Created at,Lineitem name\n" + b"".join(
    b"#%d,a@b.org,2024-01-05 10:00:00 +0200,Hat\n" % n for n in range(30)
)
WOO = b"Order ID,Order Date,Billing Email,Item Name\n1,2024-01-05,a@b.org,Hat\n"

BROKEN = [
    # shopify
    Broken("shopify_nothing_there", "shopify", {}, ("no such file or folder", "--path"), path="nowhere"),
    Broken("shopify_other_files", "shopify", {"notes.csv": b"a,b\n1,2\n"}, ("no file with orders of Shopify", "notes.csv has no column for", "'e-mail'", "Orders > Export")),
    Broken("shopify_products_alone", "shopify", {"p.csv": b"Handle,Title\nhat,Hat\n"}, ("no file with orders", "p.csv has no column for", "Orders > Export")),
    Broken("shopify_workbook", "shopify", {"orders.xlsx": b"PK\3\4"}, ("no file with orders", "orders.xlsx is")),
    Broken("shopify_no_times", "shopify", {"o.csv": SOLD.replace(b"2024-01-05 10:00:00 +0200", b"soon")}, ("o.csv", "'timestamp'", "soon", "--bad-share")),
    Broken("shopify_header_only", "shopify", {"o.csv": SOLD.split(b"\n")[0] + b"\n"}, ("o.csv", "a header and no rows", "again")),
    # woocommerce
    Broken("woocommerce_empty_folder", "woocommerce", {"sub/x": b""}, ("no file with orders of WooCommerce", "one row a line item"), path="sub"),
    Broken("woocommerce_one_row_an_order", "woocommerce", {"o.csv": WOO.replace(b"Item Name", b"Products")}, ("o.csv has no column for ['product id or SKU or item name']", "order export plugin")),
    Broken("woocommerce_no_customer", "woocommerce", {"o.csv": WOO.replace(b"Billing Email", b"Country")}, ("o.csv has no column for ['e-mail or customer id']", "order export plugin")),
    Broken("woocommerce_day_or_month", "woocommerce", {"o.csv": WOO.replace(b"2024-01-05", b"01/05/2024")}, ("o.csv", "'01/05/2024'", "2024-05-31")),
    # movielens
    Broken("movielens_nothing_there", "movielens", {}, ("no such file or folder", "--path"), path="nowhere"),
    Broken("movielens_empty_folder", "movielens", {"sub/x": b""}, ("no u.data", "as GroupLens gives them"), path="sub"),
    Broken("movielens_other_files", "movielens", {"notes.txt": b"hello"}, ("no u.data", "['notes.txt']", "GroupLens")),
    Broken("movielens_tables_instead", "movielens", {"interactions.parquet": GOOD}, ("no u.data", "import parquet")),
    Broken("movielens_no_zip", "movielens", {"ml.zip": b"PK\3\4 this is no archive"}, ("ml.zip", "again"), path="ml.zip"),
    Broken("movielens_cut_zip", "movielens", {"ml.zip": _zip(ratings__dat=DAT)[:-30]}, ("ml.zip", "again"), path="ml.zip"),
    Broken("movielens_damaged_zip", "movielens", {"ml.zip": _damaged(_zip(ratings__dat=DAT))}, ("ml.zip/ratings.dat", "damaged", "again"), path="ml.zip"),
    Broken("movielens_zip_without_ratings", "movielens", {"ml.zip": _zip(movies__dat=b"1::A::B\n")}, ("ml.zip", "no u.data", "GroupLens"), path="ml.zip"),
    Broken("movielens_empty_ratings", "movielens", {"ratings.dat": b""}, ("ratings.dat", "empty", "again")),
    Broken("movielens_blank_ratings", "movielens", {"ratings.dat": b"\n\n \n"}, ("ratings.dat", "empty", "again")),
    Broken("movielens_missing_column_1m", "movielens", {"ratings.dat": b"1::2::5\n2::2::4\n"}, ("ratings.dat", "line 1", "3 fields, expected 4", "correct")),
    Broken("movielens_missing_column_latest", "movielens", {"ratings.csv": CSV.replace(b"movieId", b"film")}, ("ratings.csv", "no column ['movieId']", "GroupLens")),
    Broken("movielens_wrong_type", "movielens", {"u.data": DATA.replace(b"\t5\t", b"\tfive\t")}, ("u.data", "line 1", "'value'", "no number", "--bad-share")),
    Broken("movielens_wrong_times", "movielens", {"ratings.dat": DAT.replace(b"978300760", b"yesterday")}, ("ratings.dat", "'timestamp'", "no instant", "ISO-8601")),
    Broken("movielens_duplicate_movie", "movielens", {"ratings.dat": DAT, "movies.dat": b"1::A (1990)::Drama\n1::B (1991)::Drama\n"}, ("movies.dat", "item_id '1'", "line 1", "line 2", "keep one")),
    Broken("movielens_duplicate_user", "movielens", {"ratings.dat": DAT, "users.dat": b"1::F::1::10::1\n1::M::1::10::1\n"}, ("users.dat", "user_id '1'", "keep one")),
    Broken("movielens_empty_movies", "movielens", {"ratings.dat": DAT, "movies.dat": b""}, ("movies.dat", "empty", "again")),
    Broken("movielens_unknown_encoding", "movielens", {"ratings.csv": CSV, "movies.csv": b"movieId,title,genres\n1,Caf\xe9,Drama\n"}, ("movies.csv", "line 2", "utf-8", "iconv")),
    Broken("movielens_header_only", "movielens", {"ratings.csv": b"userId,movieId,rating,timestamp\n"}, ("ratings.csv", "no rows", "again")),
    Broken("movielens_too_many_bad_rows", "movielens", {"ratings.dat": DAT + b"x\n" * 3}, ("ratings.dat", "3 of 42 rows (7.1%)", "share 0.05", "line 40")),
    Broken("movielens_mapped", "movielens", {"ratings.dat": DAT}, ("movielens", "--map has no meaning", "csv"), options={"columns": {"user_id": "x"}}),
    # goodbooks
    Broken("goodbooks_no_ratings", "goodbooks", {"books.csv": BOOKS}, ("no ratings.csv", "['books.csv']", "github.com")),
    Broken("goodbooks_empty_ratings", "goodbooks", {"ratings.csv": b""}, ("ratings.csv", "empty", "again")),
    Broken("goodbooks_missing_column", "goodbooks", {"ratings.csv": b"user_id,rating\n1,5\n"}, ("ratings.csv", "no column ['book_id']", "github.com")),
    Broken("goodbooks_wrong_type", "goodbooks", {"ratings.csv": b"user_id,book_id,rating\n1,1,great\n2,1,bad\n"}, ("ratings.csv", "line 2", "no number", "correct")),
    Broken("goodbooks_duplicate_book", "goodbooks", {"ratings.csv": RATED, "books.csv": BOOKS + b"1,Two,B\n"}, ("books.csv", "item_id '1'", "line 2", "line 3", "keep one")),
    Broken("goodbooks_open_quote", "goodbooks", {"ratings.csv": RATED, "books.csv": b'book_id,title,authors\n1,"One,A\n2,Two,B\n'}, ("books.csv", "line 2", "never closed", "close it")),
    Broken("goodbooks_encoding", "goodbooks", {"ratings.csv": RATED, "books.csv": BOOKS + b"2,\xff\xfa,B\n"}, ("books.csv", "line 3", "UTF-8")),
    Broken("goodbooks_no_zip", "goodbooks", {"g.zip": b"not a zip"}, ("g.zip", "zip", "again"), path="g.zip"),
    Broken("goodbooks_tags_without_column", "goodbooks", {"ratings.csv": RATED, "books.csv": b"book_id,goodreads_book_id,title,authors\n1,9,One,A\n", "tags.csv": b"id,name\n1,x\n", "book_tags.csv": b"goodreads_book_id,tag_id,count\n9,1,3\n"}, ("tags.csv", "tag_id", "github.com")),
    # amazon
    Broken("amazon_no_files", "amazon", {"readme.md": b"x"}, ("no review file", "['readme.md']", "amazon")),
    Broken("amazon_only_metadata", "amazon", {"meta.json": _json({"asin": "B1", "title": "T"})}, ("no review file", "meta.json", "use the review and metadata files")),
    Broken("amazon_empty", "amazon", {"reviews.json": b""}, ("reviews.json", "empty", "again")),
    Broken("amazon_no_json", "amazon", {"reviews.json": b"user,item\n1,2\n"}, ("reviews.json", "no JSON objects", "use the review")),
    Broken("amazon_bad_gz", "amazon", {"reviews.json.gz": b"\x1f\x8b\x08\0 broken"}, ("reviews.json.gz", "gzip", "again")),
    Broken("amazon_cut_gz", "amazon", {"reviews.json.gz": gzip.compress(REVIEWS)[:-20]}, ("reviews.json.gz", "gzip", "again")),
    Broken("amazon_unknown_fields", "amazon", {"reviews.json": _json({"who": 1, "what": 2})}, ("reviews.json", "['what', 'who']", "reviewerID")),
    Broken("amazon_missing_rating", "amazon", {"reviews.json": _json(_without(REVIEW, "overall"))}, ("reviews.json", "no review has a field ['rating or overall']", "use the review")),
    Broken("amazon_missing_time", "amazon", {"reviews.json": _json(_without(REVIEW, "unixReviewTime"))}, ("reviews.json", "unixReviewTime")),
    Broken("amazon_wrong_type", "amazon", {"reviews.json": _json({**REVIEW, "overall": "five"})}, ("reviews.json", "line 1", "no number", "--bad-share")),
    Broken("amazon_too_many_broken_lines", "amazon", {"reviews.json": REVIEWS + b'{"a":\n' * 3}, ("reviews.json", "3 of 33 rows", "line 31", "no JSON object")),
    Broken("amazon_duplicate_item", "amazon", {"reviews.json": REVIEWS, "meta.json": _json({"asin": "B1", "title": "T"}, {"asin": "B1", "title": "U"})}, ("meta.json", "item_id 'B1'", "line 2", "keep one")),
    # mind
    Broken("mind_no_behaviors", "mind", {"news.tsv": NEWS}, ("no behaviors.tsv", "['news.tsv']", "MIND")),
    Broken("mind_empty_behaviors", "mind", {"behaviors.tsv": b""}, ("behaviors.tsv", "empty", "again")),
    Broken("mind_missing_column", "mind", {"behaviors.tsv": b"1\tU1\t11/11/2019 9:05:58 AM\tN1-1\n"}, ("behaviors.tsv", "line 1", "4 fields, expected 5")),
    Broken("mind_wrong_labels", "mind", {"behaviors.tsv": SHOWN.replace(b"-1", b"-yes")}, ("behaviors.tsv", "line 1", "N1-yes", "ITEM-0 or ITEM-1")),
    Broken("mind_wrong_time", "mind", {"behaviors.tsv": SHOWN.replace(b"11/11/2019 9:05:58 AM", b"Monday")}, ("behaviors.tsv", "'timestamp'", "Monday", "correct")),
    Broken("mind_duplicate_news", "mind", {"behaviors.tsv": SHOWN, "news.tsv": NEWS + NEWS.replace(b"Title", b"Other")}, ("news.tsv", "item_id 'N1'", "keep one")),
    Broken("mind_cut_zip", "mind", {"m.zip": _zip(behaviors__tsv=SHOWN)[:40]}, ("m.zip", "zip", "again"), path="m.zip"),
    Broken("mind_encoding", "mind", {"behaviors.tsv": SHOWN, "news.tsv": NEWS.replace(b"Title", b"T\xe9")}, ("news.tsv", "line 1", "iconv")),
    # recbole
    Broken("recbole_no_inter", "recbole", {"x.item": b"item_id:token\n1\n"}, ("no *.inter", "['x.item']", "RecBole")),
    Broken("recbole_empty", "recbole", {"x.inter": b""}, ("x.inter", "empty", "again")),
    Broken("recbole_header_only", "recbole", {"x.inter": INTER.split(b"\n")[0]}, ("x.inter", "no rows", "again")),
    Broken("recbole_untyped_header", "recbole", {"x.inter": INTER.replace(b":token", b"")}, ("x.inter", "line 1", "['user_id', 'item_id']", "NAME:TYPE")),
    Broken("recbole_unknown_type", "recbole", {"x.inter": INTER.replace(b"float", b"int")}, ("x.inter", "timestamp:int", "token_seq")),
    Broken("recbole_missing_column", "recbole", {"x.inter": INTER.replace(b"item_id", b"thing")}, ("x.inter", "'item_id'", "['user_id', 'thing', 'timestamp']")),
    Broken("recbole_wrong_type", "recbole", {"x.inter": INTER.replace(b"978300761", b"late")}, ("x.inter", "line 3", "no float", "correct")),
    Broken("recbole_several", "recbole", {"x.inter": INTER, "y.inter": INTER}, ("several datasets", "x.inter", "give the .inter file")),
    Broken("recbole_duplicate_item", "recbole", {"x.inter": INTER, "x.item": b"item_id:token\tname:token\n1\tA\n1\tB\n"}, ("x.item", "item_id '1'", "line 2", "keep one")),
    Broken("recbole_column_twice", "recbole", {"x.inter": INTER.replace(b"item_id", b"user_id")}, ("x.inter", "line 1", "['user_id'] more than once")),
    # parquet
    Broken("parquet_no_interactions", "parquet", {"items.parquet": _parquet(item_id=["a"])}, ("no interactions.parquet", "['items.parquet']")),
    Broken("parquet_empty", "parquet", {"interactions.parquet": b""}, ("interactions.parquet", "empty", "again")),
    Broken("parquet_no_parquet", "parquet", {"interactions.parquet": LOG}, ("interactions.parquet", "no readable parquet file", "csv")),
    Broken("parquet_cut", "parquet", {"interactions.parquet": GOOD[: len(GOOD) // 2]}, ("interactions.parquet", "no readable parquet file", "again")),
    Broken("parquet_no_rows", "parquet", {"interactions.parquet": _parquet(user_id=[], item_id=[])}, ("interactions.parquet", "no rows", "again")),
    Broken("parquet_missing_column", "parquet", {"interactions.parquet": _parquet(user_id=["1"], thing=["a"])}, ("interactions.parquet", "'item_id'", "--map item_id=")),
    Broken("parquet_wrong_type_of_id", "parquet", {"interactions.parquet": _parquet(user_id=[["1"]], item_id=["a"])}, ("interactions.parquet", "'user_id' is List(String)", "convert it")),
    Broken("parquet_wrong_type_of_time", "parquet", {"interactions.parquet": _parquet(**PAIRS, timestamp=[True, False])}, ("interactions.parquet", "'timestamp' is Boolean", "convert it")),
    Broken("parquet_duplicate_item", "parquet", {"interactions.parquet": GOOD, "items.parquet": _parquet(item_id=["a", "a"], title=["A", "B"])}, ("items.parquet", "item_id 'a'", "keep one")),
    Broken("parquet_duplicate_user", "parquet", {"interactions.parquet": GOOD, "users.parquet": _parquet(user_id=[1, 1], age=[3, 4])}, ("users.parquet", "user_id '1'", "keep one")),
    Broken("parquet_no_times_for_most", "parquet", {"interactions.parquet": _parquet(**PAIRS, timestamp=[S, None])}, ("interactions.parquet", "no time where other rows have one", "line 2", "--bad-share")),
    Broken("parquet_vectors_of_two_lengths", "parquet", {"interactions.parquet": GOOD, "item_vectors.parquet": _parquet(item_id=["a", "b"], modality=["image"] * 2, vector=[[1.0], [1.0, 2.0]])}, ("item_vectors.parquet", "'image'", "[1, 2]", "one length")),
    Broken("parquet_friends_without_friends", "parquet", {"interactions.parquet": GOOD, "user_friends.parquet": _parquet(user_id=["1"])}, ("user_friends.parquet", "'friend_id'", "--map")),
    Broken("parquet_mapped_to_nothing", "parquet", {"interactions.parquet": GOOD}, ("--map user_id=nobody", "correct"), options={"columns": {"user_id": "nobody"}}),
    # csv
    Broken("csv_no_interactions", "csv", {"items.csv": b"item_id\na\n"}, ("no interactions.csv", "['items.csv']")),
    Broken("csv_empty", "csv", {"interactions.csv": b""}, ("interactions.csv", "empty", "again")),
    Broken("csv_header_only", "csv", {"interactions.csv": b"user_id,item_id\n"}, ("interactions.csv", "no rows", "again")),
    Broken("csv_without_header", "csv", {"interactions.csv": b"1,a,978300760\n2,b,978300761\n"}, ("interactions.csv", "'user_id'", "['1', 'a', '978300760']", "line 1")),
    Broken("csv_missing_column", "csv", {"interactions.csv": b"user_id,score\n1,2\n"}, ("interactions.csv", "'item_id'", "--map item_id=THEIRS")),
    Broken("csv_wrong_type", "csv", {"interactions.csv": LOG.replace(b"97830076", b"day ")}, ("interactions.csv", "line 2", "'timestamp'", "ISO-8601")),
    Broken("csv_column_twice", "csv", {"interactions.csv": b"user_id,item_id,item_id\n1,a,b\n"}, ("interactions.csv", "line 1", "['item_id'] more than once")),
    Broken("csv_ragged", "csv", {"interactions.csv": b"user_id,item_id\n1,a,x\n2\n3,c\n"}, ("interactions.csv", "line 2", "3 fields, expected 2", "correct")),
    Broken("csv_encoding", "csv", {"interactions.csv": b"user_id,item_id\n1,a\nJos\xe9,b\n"}, ("interactions.csv", "line 3", "0xe9", "iconv")),
    Broken("csv_binary", "csv", {"interactions.csv": b"user_id,item_id\n1,\0\n"}, ("interactions.csv", "line 2", "zero byte", "UTF-8")),
    Broken("csv_open_quote", "csv", {"interactions.csv": b'user_id,item_id\n1,"a\n2,b\n'}, ("interactions.csv", "line 2", "never closed")),
    Broken("csv_duplicate_user", "csv", {"interactions.csv": LOG, "users.csv": b"user_id,age\n1,30\n1,31\n"}, ("users.csv", "user_id '1'", "line 2", "line 3", "keep one")),
    Broken("csv_empty_items", "csv", {"interactions.csv": LOG, "items.csv": b""}, ("items.csv", "empty", "again")),
    Broken("csv_ids_missing", "csv", {"interactions.csv": b"user_id,item_id\n1,a\n,b\n"}, ("interactions.csv", "line 3", "no user_id")),
    Broken("csv_prices_unreadable", "csv", {"interactions.csv": LOG, "items.csv": b"item_id,price\na,cheap\nb,dear\n"}, ("items.csv", "'price'", "no number")),
    Broken("csv_bad_gz", "csv", {"interactions.csv.gz": b"plain text"}, ("interactions.csv.gz", "gzip", "again")),
    # any
    Broken("unknown_source", "netflix", {"x": b""}, ("no source named 'netflix'", "'movielens'", "recops data sources")),
    Broken("append_to_nothing", "csv", {"interactions.csv": LOG}, ("nothing there", "without --append"), options={"append": True}),
]  # fmt: skip


def _write(case: Broken, root: Path) -> Path:
    root.mkdir()
    for name, content in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root / case.path


def _one_paragraph(message: str, case: Broken) -> None:
    assert "Traceback" not in message
    assert "\n" not in message.strip(), "one paragraph"
    missing = [part for part in case.says if part not in message]
    assert not missing, f"{missing} not said in: {message}"


def test_there_are_fifty_and_four_for_each_file_source() -> None:
    assert len(BROKEN) >= 50
    assert len({case.name for case in BROKEN}) == len(BROKEN)
    for source in ("movielens", "goodbooks", "amazon", "mind", "recbole", "parquet", "csv", "shopify", "woocommerce"):
        assert sum(case.source == source for case in BROKEN) >= 4


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_broken_input_is_told_in_one_paragraph(case: Broken, tmp_path: Path) -> None:
    path = _write(case, tmp_path / "in")
    raw = tmp_path / "data" / "raw"
    options = {key: value for key, value in case.options.items() if key != "append"}
    with pytest.raises(UserError) as error:
        import_source(case.source, path, options, raw, bool(case.options.get("append")), None)
    _one_paragraph(str(error.value), case)
    assert not raw.exists()


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_the_command_ends_with_exit_2(
    case: Broken,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from flows.cli.__main__ import main

    path = _write(case, tmp_path / "in")
    project = _project(tmp_path / "project")
    before = (project / "params.yaml").read_bytes()
    told = [word for ours, theirs in case.options.get("columns", {}).items() for word in ("--map", f"{ours}={theirs}")]
    more = ["--append"] if case.options.get("append") else []
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["recops", "data", "import", case.source, "--path", str(path), *told, *more])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    assert ended.value.code == 2
    _one_paragraph(captured.err, case)
    assert (project / "params.yaml").read_bytes() == before
    assert not (project / "data").exists()


def _project(root: Path) -> Path:
    """What the command looks for in a project: the files that it reads and must not touch."""
    root.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(Path(__file__).parents[2] / name, root / name)
    return root
