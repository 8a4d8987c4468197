"""Quoted records of a delimited text, RFC 4180; where quotes do not pair, no row is lost without a word."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from features.errors import UserError

csv.field_size_limit(1 << 30)
TAB = "\t"
UNCLOSED = "unexpected end of data"  # as Python's reader says it


class Record(NamedTuple):
    """`line` is the first of its lines; blank lines have no fields; `problem` says why the fields are no row.

    `literal`: its quotes do not pair, so they are read as characters.
    """

    line: int
    fields: list[str]
    problem: str | None = None
    literal: bool = False


class _Lines:
    """Lines for a csv reader, which can be given back."""

    def __init__(self, text: str) -> None:
        self._text = io.StringIO(text, newline="")
        self._returned: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._text)
        self.taken.append(line)
        return line

    def give_back(self, n_kept: int) -> list[str]:
        """Keeps so many of the lines taken, which it returns, and gives back the others."""
        kept, others = self.taken[:n_kept], self.taken[n_kept:]
        self._returned.extendleft(reversed(others))
        self.taken = kept
        return kept


def quoted_records(text: str, separator: str, shown: str) -> Iterator[Record]:
    """Every record of a text, the header first.

    A field in quotes may hold line ends. Where that cannot be meant (text follows the closing quote, or each of the
    lines that a quote joins looks like a row) the first line is read alone: in a tab file as it stands, since most tab
    files are written without quoting; in others it is no row. The lines below it are read as their own.

    Raises:
        UserError: the header cannot be read, or a quote is never closed (but in a tab file).
    """
    lines = _Lines(text)
    plain = csv.reader(lines, delimiter=separator, strict=True)
    escaping = csv.reader(lines, delimiter=separator, strict=True, escapechar="\\")
    number, n_columns = 1, 0
    while True:
        lines.taken = []
        fields, problem = _next_record(plain)
        if not lines.taken:
            return
        if problem and '\\"' in lines.taken[0]:  # as Spark and MySQL write a quote inside a quoted field
            lines.give_back(0)
            fields, problem = _next_record(escaping)
        if problem and UNCLOSED in problem and separator != TAB:
            raise UserError(
                f"{shown}: the quote that opens in the row at line {number} is never closed; "
                'close it, or write a quote inside a quoted field as ""'
            )
        if problem and not n_columns and separator != TAB:
            raise UserError(f"{shown}: line {number} should name the columns and is {problem}; correct the line")
        if problem or _joins_rows(lines.taken, len(fields), n_columns, separator):
            (line,) = lines.give_back(1)
            record = _line_alone(line.rstrip("\r\n"), number, separator, n_columns, problem)
        else:
            record = Record(number, [] if fields == [""] else fields)
        yield record
        n_columns = n_columns or len(record.fields)
        number += len(lines.taken)


def _next_record(reader: Iterator[list[str]]) -> tuple[list[str], str | None]:
    """The fields of the next record, and what is wrong with it; none at the end."""
    try:
        return next(reader, []), None
    except csv.Error as error:
        return [], f"not readable as csv: {error}"


def _joins_rows(lines: list[str], n_fields: int, n_columns: int, separator: str) -> bool:
    """Whether a record of several lines is made of rows that a stray quote joins."""
    if len(lines) == 1:
        return False
    if separator == TAB and n_fields != n_columns:
        return True
    if n_columns < 3 and separator != TAB:  # a sentence with one comma looks like a row of two
        return False
    looked_at = lines[1:-1] or lines  # those between have no quote at all, so their separators are their own
    return all(line.count(separator) == n_columns - 1 for line in looked_at)


def _line_alone(line: str, number: int, separator: str, n_columns: int, problem: str | None) -> Record:
    fields = line.split(separator)
    if separator != TAB:
        return Record(number, fields, problem or "its quotes do not pair: one opens here and closes in another row")
    if n_columns and len(fields) != n_columns:
        return Record(number, fields, f"{len(fields)} fields, expected {n_columns}")
    return Record(number, fields, literal=True)
