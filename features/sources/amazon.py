"""amazon: review and metadata files of 2014, 2018 and 2023 (json lines, gz); a folder, a zip or a review file."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, Sheet, fault_rows, join_sheets

ENDINGS = ("*.json", "*.jsonl", "*.ndjson")
# ours: (name since 2023, name before)
REVIEW = {
    "user_id": ("user_id", "reviewerID"),
    "item_id": ("parent_asin", "asin"),
    "value": ("rating", "overall"),
    "timestamp": ("timestamp", "unixReviewTime"),
}
SNIFFED = 50  # lines that are looked at to tell reviews from metadata
PRICE = re.compile(r"^(?:from )?\$?\s*(\d[\d,]*(?:\.\d+)?)(?:\s*-\s*\$?[\d,.]+)?$", re.IGNORECASE)
AGAIN = "use the review and metadata files as jmcauley.ucsd.edu/data/amazon or amazon-reviews-2023.github.io give them"
Fault = tuple[int, str | None, str, str]


def read(path: Path, options: Options) -> RawTables:
    """Reviews as interactions, metadata as items (price as a number, categories as tags, brand or store as `brand`).

    Raises:
        UserError: there are no reviews, a file is no json lines, or a field is in no review.
    """
    box = Archive.open(path)
    names = list(box.names) if box.single else box.find_all(*ENDINGS)
    kinds = {name: _kind(box, name) for name in names}
    reviews = [name for name in names if kinds[name] == "reviews"]
    if not reviews:
        raise box.missing("review file (*.json, *.jsonl, also .gz)", AGAIN)
    sheets = {"interactions": join_sheets([_reviews(box, name) for name in reviews])}
    notes = ["review texts are not kept"]
    metadata = [name for name in names if kinds[name] == "metadata"]
    if metadata:
        prices = _Unpriced()
        sheets["items"] = join_sheets([_metadata(box, name, prices) for name in metadata])
        if prices.n:
            notes.append(f"items: {prices.n} prices are no amounts (e.g. '{prices.example}') and are left empty")
    else:
        notes.append("no metadata file; give a folder that holds the reviews and the meta file for titles")
    return assemble(sheets, options, notes)


def _kind(box: Archive, name: str) -> str:
    """`reviews` or `metadata`, told by the first record that can be read."""
    for number, (_, record) in enumerate(_records(box, name)):
        if isinstance(record, dict):
            if any(field in record for field in REVIEW["user_id"]):
                return "reviews"
            if any(field in record for field in REVIEW["item_id"]):
                return "metadata"
            raise UserError(
                f"{box.shown(name)}: the records have the fields {sorted(record)[:12]}, but a review has "
                f"{[' or '.join(field) for field in REVIEW.values()]} and metadata has asin or parent_asin; {AGAIN}"
            )
        if number >= SNIFFED:
            break
    raise UserError(f"{box.shown(name)}: the first lines are no JSON objects, expected one on each line; {AGAIN}")


def _records(box: Archive, name: str) -> Iterator[tuple[int, Any]]:
    """(line, the object or the line's bytes where it is none) of every line that is not blank."""
    data = box.read(name)
    if not data.strip():
        raise UserError(
            f"{box.shown(name)}: the file is empty; expected one JSON object on each line; download it again"
        )
    decode = msgspec.json.Decoder().decode
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        line = data[start : end if end >= 0 else len(data)].strip()
        start = end + 1 if end >= 0 else len(data)
        number += 1
        if line:
            yield number, _object(line, decode)


def _object(line: bytes, decode: Callable[[bytes], Any]) -> Any:
    try:
        record = decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if not line.startswith(b"{'"):
            return line
        try:  # the metadata of 2014 are Python literals, not JSON
            record = ast.literal_eval(line.decode())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return line
    return record if isinstance(record, dict) else line


def _reviews(box: Archive, name: str) -> Sheet:
    columns: dict[str, list[str | None]] = {ours: [] for ours in REVIEW}
    marks: list[str] = []
    lines: list[int] = []
    faults: list[Fault] = []
    present: set[str] = set()
    for line, record in _records(box, name):
        if not isinstance(record, dict):
            faults.append(_no_object(line, record))
            continue
        for ours, fields in REVIEW.items():
            value = next((record[field] for field in fields if record.get(field) is not None), None)
            columns[ours].append(_plain(value))
            if value is not None:
                present.add(ours)
        marks.append(hashlib.blake2b(msgspec.json.encode(record, order="sorted"), digest_size=12).hexdigest())
        lines.append(line)
    absent = [" or ".join(REVIEW[ours]) for ours in REVIEW if ours not in present]
    if absent:
        raise UserError(f"{box.shown(name)}: no review has a field {absent}, expected it in each; {AGAIN}")
    frame = pl.DataFrame({**columns, "_record": marks}, schema=dict.fromkeys([*REVIEW, "_record"], pl.String))
    return _sheet(box, name, frame, lines, faults)


class _Unpriced:
    """Prices of the metadata that are no amounts."""

    def __init__(self) -> None:
        self.n, self.example = 0, ""

    def read(self, price: Any) -> float | None:
        """The (lowest) amount; None and counted where the text is none."""
        if price is None or isinstance(price, int | float):
            return None if price is None else float(price)
        text = str(price).strip()
        if not text:
            return None
        match = PRICE.match(text)
        if match is None:
            self.n, self.example = self.n + 1, self.example or text[:30]
            return None
        return float(match[1].replace(",", ""))


def _metadata(box: Archive, name: str, prices: _Unpriced) -> Sheet:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    for line, record in _records(box, name):
        if not isinstance(record, dict):
            faults.append(_no_object(line, record))
            continue
        groups = _words(record.get("categories") or record.get("category"))
        first = record.get("main_category") or record.get("main_cat")
        rows.append(
            {
                "item_id": _plain(record.get("parent_asin") or record.get("asin")),
                "title": _plain(record.get("title")),
                "description": " ".join(_words(record.get("description")) or _words(record.get("features"))),
                "tags": groups,
                "category": _plain(first) or (groups[0] if groups else None),
                "price": prices.read(record.get("price")),
                "brand": _plain(record.get("brand") or record.get("store")),
            }
        )
        lines.append(line)
    text = ("item_id", "title", "description", "category", "brand")
    schema: dict[str, Any] = {**dict.fromkeys(text, pl.String), "tags": pl.List(pl.String), "price": pl.Float64}
    return _sheet(box, name, pl.DataFrame(rows, schema=schema), lines, faults)


def _sheet(box: Archive, name: str, frame: pl.DataFrame, lines: list[int], faults: list[Fault]) -> Sheet:
    placed = frame.with_columns(pl.lit(name).alias(FILE), pl.Series(LINE, lines, pl.Int64))
    return Sheet(placed, box.shown(name), fault_rows(name, faults))


def _no_object(line: int, found: bytes) -> Fault:
    return line, None, found[:200].decode("utf-8", "replace"), "no JSON object"


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)


def _words(value: Any) -> list[str]:
    """All texts of a text, a list or a list of lists, in order, each once."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, list | tuple):
        return list(dict.fromkeys(word for part in value for word in _words(part)))
    return []
