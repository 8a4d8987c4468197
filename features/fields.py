"""Validation rules for ids, event names, values and event times, shared by files, HTTP, commands and checks.

Every input path (an import, POST /events, the export of the event log, a command) applies these rules, so that none
accepts what validation refuses later.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

MAX_ID = 512  # characters, without the blanks around it
MAX_NAME = 128
MAX_VALUE = 3.4028234663852886e38  # the largest number of 32 bits, in which models hold values
EARLIEST_EVENT = datetime(1990, 1, 1, tzinfo=UTC)  # an earlier time is a mistaken unit or a zero
EARLIEST_EVENT_US = int(EARLIEST_EVENT.timestamp()) * 1_000_000
# blanks as Unicode defines them, spelled out: Python and polars disagree on the control characters 1C to 1F
BLANKS = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
NULL_WORDS = ("\\n", "null", "none", "nan", "n/a", "#n/a", "<na>", "undefined")  # what programs write for no id

BLANK = "is blank"
CONTROL = "holds a control character"
NOTHING = f"is a word for no value ({', '.join(NULL_WORDS)})"
ID_TOO_LONG = f"is longer than {MAX_ID} characters"
NAME_TOO_LONG = f"is longer than {MAX_NAME} characters"
NOT_FINITE = "is no finite number"

_control = r"[\x00-\x1f\x7f]"
_unwritable = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # a surrogate alone cannot be stored as UTF-8


def _pattern(longest: int, refused: tuple[str, ...] = ()) -> str:
    words = f"(?!(?i:{'|'.join(re.escape(word) for word in refused)})\\Z)" if refused else ""
    return rf"\A{words}(?![{BLANKS}])[^\x00-\x1f\x7f]{{1,{longest}}}(?<![{BLANKS}])\Z"


ID_PATTERN = _pattern(MAX_ID, NULL_WORDS)
"""Matches (`re.search`) the trimmed texts in which `id_fault` finds nothing."""
NAME_PATTERN = _pattern(MAX_NAME)
"""Matches (`re.search`) the trimmed texts in which `name_fault` finds nothing."""


def trimmed(text: str) -> str:
    """Text without the blanks around it."""
    return text.strip(BLANKS)


def id_fault(text: str) -> str | None:
    """Why a trimmed text is no id; None: it is one."""
    return _text_fault(text, MAX_ID, ID_TOO_LONG) or (NOTHING if text.lower() in NULL_WORDS else None)


def name_fault(text: str) -> str | None:
    """Why a trimmed text is no name of an event; None: it is one."""
    return _text_fault(text, MAX_NAME, NAME_TOO_LONG)


def value_fault(value: float) -> str | None:
    """Why a number is no value of an event; None: it is one."""
    return None if math.isfinite(value) and abs(value) <= MAX_VALUE else NOT_FINITE


def unwritable(text: str) -> bool:
    """Whether a text holds characters that must not become keys of stores or lines of logs."""
    return _unwritable.search(text) is not None


def trim(text: pl.Expr) -> pl.Expr:
    """`trimmed` of a column."""
    return text.str.strip_chars(BLANKS)


def id_faults(ids: pl.Expr) -> Mapping[str, pl.Expr]:
    """`id_fault` of a trimmed column: which rows break each rule, in the order of the rules; null where an id is."""
    return {**_text_faults(ids, MAX_ID, ID_TOO_LONG), NOTHING: ids.str.to_lowercase().is_in(NULL_WORDS)}


def name_faults(names: pl.Expr) -> Mapping[str, pl.Expr]:
    """`name_fault` of a trimmed column."""
    return _text_faults(names, MAX_NAME, NAME_TOO_LONG)


def value_fits(values: pl.Expr) -> pl.Expr:
    """Whether each value is a finite number; null where there is none."""
    return values.is_finite() & (values.abs() <= MAX_VALUE)


def first_fault(faults: Mapping[str, pl.Expr]) -> pl.Expr:
    """The first rule that a row breaks; null where it breaks none."""
    return pl.coalesce(pl.when(broken).then(pl.lit(reason)) for reason, broken in faults.items())


def _text_fault(text: str, longest: int, too_long: str) -> str | None:
    if not text:
        return BLANK
    if _unwritable.search(text):
        return CONTROL
    return too_long if len(text) > longest else None


def _text_faults(texts: pl.Expr, longest: int, too_long: str) -> dict[str, pl.Expr]:
    return {BLANK: texts == "", CONTROL: texts.str.contains(_control), too_long: texts.str.len_chars() > longest}
