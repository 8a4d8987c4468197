"""Text files into sheets: encodings, lines, fields; every row keeps its line number, every ragged row is a fault."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

import polars as pl

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.packed.foreign import foreign_data, foreign_name, foreign_text
from features.reading.records import quoted_records
from features.reading.sheet import FILE, LINE, SHOWN, Sheet, fault_rows
from features.schema import QUARANTINE

BLOCK = 1 << 26  # characters that are split at a time
ROWS = 100_000  # quoted rows that are gathered at a time
SEPARATORS = (",", "\t", ";", "|")
COMMENT = re.compile(r"\s*#(?:[ \t!-][^\r\n]*)?(?:\r\n|\r|\n)|[ \t]*(?:\r\n|\r|\n)")
SEPARATOR_LINE = re.compile(r"\s*sep=(.)(?=\r|\n)", re.IGNORECASE)  # Excel's own first line
UTF8 = ("utf-8",)
UTF8_OR_LATIN1 = ("utf-8", "latin-1")


def decode(data: bytes, shown: str, encodings: Sequence[str] = UTF8) -> str:
    """Bytes as text by the first encoding that fits; byte order marks are obeyed.

    Raises:
        UserError: there is nothing in it, it is no text, or no encoding fits (with the line).
    """
    if foreign := foreign_data(data):
        raise UserError(f"{shown}: this is {foreign}")
    if data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        encodings = ("utf-16",)
    elif b"\0" in data:
        _check_name(shown)
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise UserError(
            f"{shown}: line {line} holds a zero byte, so this is no text in UTF-8; "
            "give a text file, or save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 FILE > NEW`)"
        )
    text = _decoded(data, shown, encodings)
    if not text.strip():
        raise UserError(f"{shown}: the file is empty; expected rows; export or download it again")
    return text


def _decoded(data: bytes, shown: str, encodings: Sequence[str]) -> str:
    for encoding in encodings:
        try:
            return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        except UnicodeDecodeError as error:
            last = error
    _check_name(shown)
    line = data.count(b"\n", 0, last.start) + 1
    raise UserError(
        f"{shown}: line {line} is no {' or '.join(encodings)} text (byte 0x{data[last.start]:02x}); "
        "save the file as UTF-8, e.g. `iconv -f LATIN1 -t UTF-8 FILE > NEW`"
    ) from last


def _check_name(shown: str) -> None:
    """Of bytes that are no text: that the file's name does not tell another format.

    Raises:
        UserError: it does.
    """
    if foreign := foreign_name(shown):
        raise UserError(f"{shown}: this is {foreign}")


def lines_of(text: str) -> pl.DataFrame:
    """Columns LINE (from 1) and `text`; blank lines are counted and left out."""
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    blocks, start = [], 0
    while start < len(text):
        end = text.find("\n", start + BLOCK)
        stop = len(text) if end < 0 else end
        blocks.append(pl.Series("text", [text[start:stop]]).str.split("\n").explode())
        start = stop + 1
    lines = pl.concat(blocks).str.strip_suffix("\r").to_frame().with_row_index(LINE, offset=1)
    return lines.with_columns(pl.col(LINE).cast(pl.Int64)).filter(pl.col("text").str.strip_chars() != "")


def split_fields(lines: pl.DataFrame, names: Sequence[str], separator: str, file: str, shown: str) -> Sheet:
    """Lines cut at every separator (no quoting); a line with another number of fields is a fault."""
    n = len(names)
    cut = lines.with_columns(
        pl.col("text").str.split_exact(separator, n).struct.rename_fields([*names, "_rest"]).alias("_fields")
    )
    whole = pl.col("_fields").struct.field(names[-1]).is_not_null() & (
        pl.col("_fields").struct.field("_rest").is_null()
    )
    ragged = cut.filter(~whole)
    faults = ragged.select(
        pl.lit(file).alias("file"),
        pl.col(LINE).alias("line"),
        pl.lit(None, pl.String).alias("column"),
        pl.col("text").str.slice(0, SHOWN).alias("found"),
        pl.format(
            "{} fields, expected {}",
            pl.col("text").str.count_matches(separator, literal=True) + 1,
            pl.lit(str(n)),
        ).alias("reason"),
    ).cast(dict(QUARANTINE.columns))  # type: ignore[arg-type]
    frame = cut.filter(whole).select("_fields", LINE).unnest("_fields").drop("_rest")
    return Sheet(frame.with_columns(pl.lit(file).alias(FILE)), shown, faults, textual=True)


def plain_sheet(
    box: Archive, name: str, columns: Sequence[str], separator: str, encodings: Sequence[str] = UTF8
) -> Sheet:
    """A file without header and without quotes, like those of MovieLens 1m (`::`) and MIND (tab)."""
    shown = box.shown(name)
    lines = lines_of(decode(box.read(name), shown, encodings))
    return split_fields(lines, columns, separator, name, shown)


def header_and_lines(box: Archive, name: str) -> tuple[str, pl.DataFrame]:
    """The first line and the others of a file without quotes."""
    lines = lines_of(decode(box.read(name), box.shown(name)))
    return lines.item(0, "text"), lines.slice(1)


def csv_sheet(box: Archive, name: str, separator: str | None = None, encodings: Sequence[str] = UTF8) -> Sheet:
    """A file with a header; quoted fields may hold separators and line ends; the separator may be guessed.

    Raises:
        UserError: a column name comes twice, there is a header and nothing else, or a quote is never closed.
    """
    sheet = _with_header(box.read(name), name, box.shown(name), separator, encodings)
    if not sheet.frame.height + sheet.faults.height:
        raise UserError(f"{box.shown(name)}: a header and no rows; expected rows below it; export or download it again")
    return sheet


def csv_part(box: Archive, name: str, separator: str | None = None) -> Sheet | None:
    """One of the files of a table in parts, which may hold no rows; None: it is empty (writers leave such files)."""
    data = box.read(name)
    return _with_header(data, name, box.shown(name), separator, UTF8) if data.strip() else None


def _with_header(data: bytes, name: str, shown: str, separator: str | None, encodings: Sequence[str]) -> Sheet:
    text = decode(data, shown, encodings)
    if foreign := foreign_text(text):
        raise UserError(f"{shown}: this is {foreign}")
    text = _without_comments(text)
    if match := SEPARATOR_LINE.match(text):
        separator = separator or match[1]
        text = text[: match.start()] + text[match.end(1) :]
    first = text.lstrip().split("\n", 1)[0].rstrip("\r")
    separator = separator or max(SEPARATORS, key=first.count)
    if '"' in text:
        return _quoted(text, separator, name, shown)
    lines = lines_of(text)
    names = check_names(lines.item(0, "text").split(separator), shown)
    return split_fields(lines.slice(1), names, separator, name, shown)


def _without_comments(text: str) -> str:
    """Comment lines above the header (`# Report …`, as analytics tools write them) as blank lines, which keep count."""
    start = 0
    while (match := COMMENT.match(text, start)) is not None:
        start = match.end()
    return re.sub(r"[^\r\n]+", "", text[:start]) + text[start:] if start and text[start:].strip() else text


def check_names(fields: Sequence[str], shown: str) -> list[str]:
    """Column names of a header, stripped; a column without a name is called by its position."""
    names = [field.strip() or f"column_{position}" for position, field in enumerate(fields, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{shown}: line 1 names {twice} more than once; every column needs a name of its own")
    return names


def _quoted(text: str, separator: str, file: str, shown: str) -> Sheet:
    """The rows of a file with quotes, gathered in frames of ROWS rows."""
    records = quoted_records(text, separator, shown)
    header = next((record.fields for record in records if record.fields), [])
    names = check_names(header, shown)
    frames: list[pl.DataFrame] = []
    faults: list[tuple[int, str | None, str, str]] = []
    literal: list[int] = []
    columns: list[list[str]] = [[] for _ in names]
    numbers: list[int] = []

    def gather() -> None:
        frame = pl.DataFrame(dict(zip(names, columns, strict=True)), schema=dict.fromkeys(names, pl.String))
        frames.append(frame.with_columns(pl.Series(LINE, numbers, pl.Int64)))
        for column in columns:
            column.clear()
        numbers.clear()

    for record in records:
        if record.problem is None and len(record.fields) == len(names):
            for column, value in zip(columns, record.fields, strict=True):
                column.append(value)
            numbers.append(record.line)
            if record.literal:
                literal.append(record.line)
            if len(numbers) == ROWS:
                gather()
        elif record.problem is not None or record.fields:
            reason = record.problem or f"{len(record.fields)} fields, expected {len(names)}"
            faults.append((record.line, None, separator.join(record.fields), reason))
    gather()
    frame = pl.concat(frames).with_columns(pl.lit(file).alias(FILE))
    unpaired = f"{shown}: {len(literal)} lines hold quotes that do not pair and are read as they stand"
    notes = (f"{unpaired}, e.g. line {literal[0]}",) if literal else ()
    return Sheet(frame, shown, fault_rows(file, faults), textual=True, notes=notes)
