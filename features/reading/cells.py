"""Cells: one column as text, numbers, instants, lists or vectors; what is there and cannot be read is marked bad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl

from features.errors import UserError
from features.fields import BLANKS, MAX_VALUE
from features.reading.values.amounts import read_amounts
from features.reading.values.dates import LOOKED_AT, DayOrMonthError, compact_days, spreadsheet_dates
from features.table import type_of_time

EARLIEST, LATEST = -2_208_988_800_000_000, 7_258_118_400_000_000  # 1900 and 2200 [µs since 1970]
UNKNOWN = ["", "na", "nan", "n/a", "null", "none", "nil", "\\n"]  # no number, no instant, and no fault
# upper bound of the typical size of seconds, milliseconds, microseconds and their length in µs; beyond are nanoseconds
UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0))
NANOSECOND = 1e-3
DAYS = (19_000_101, 21_991_231)  # whole numbers that may be days
FORMATS = (
    ("%Y-%m-%d %H:%M:%S%.f%z", True),
    ("%Y-%m-%d %H:%M:%S%.f", False),
    ("%Y-%m-%d %H:%M%z", True),
    ("%Y-%m-%d %H:%M", False),
    ("%Y%m%d %H%M%S%z", True),
)


@dataclass(frozen=True)
class Cells:
    """`values` as read (null where nothing is there), `bad` where something is there that cannot be read.

    `note`: how the cells were understood, where that is a guess that people should see.
    """

    values: pl.Series
    bad: pl.Series
    reason: str
    note: str | None = None


def read_cells(column: pl.Series, kind: pl.DataType | type[pl.DataType], shown: str) -> Cells:
    """A column of a file as the type that its Table asks for.

    Raises:
        UserError: the whole column has a type that can never be read so (a list where an id belongs).
    """
    if column.dtype == pl.Null:
        column = column.cast(pl.String)
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    reader = _READERS[str(kind)]
    try:
        cells = reader(column)
    except DayOrMonthError as error:
        raise UserError(
            f"{shown}: column '{column.name}' holds dates such as '{error}', and no row tells which number is the day "
            "and which the month; write them as 2024-05-31 (in a spreadsheet the cell format yyyy-mm-dd hh:mm:ss) and "
            "save the file again"
        ) from None
    if cells is None:
        raise UserError(
            f"{shown}: column '{column.name}' is {column.dtype}, expected {_WANTED[str(kind)]}; "
            "convert it where the file is written"
        )
    return cells


def _text(column: pl.Series) -> Cells | None:
    if column.dtype.is_float():
        whole = column.drop_nulls().drop_nans()
        column = column.fill_nan(None)
        if ((whole % 1) == 0).all() and (whole.abs() < 2**53).all():
            column = column.cast(pl.Int64)
    elif not (column.dtype == pl.String or column.dtype.is_integer()):
        return None
    values = column.cast(pl.String).str.strip_chars(BLANKS)
    return _cells(values.set(values == "", None), None, "no text")


def _number(column: pl.Series) -> Cells | None:
    if column.dtype == pl.String:
        cleaned = _known(column)
        values, note = cleaned.cast(pl.Float64, strict=False), None
        unread = cleaned.is_not_null() & values.is_null()
        if unread.any():
            amounts = read_amounts(cleaned, cleaned.is_not_null())
            if (unread & amounts.values.is_not_null()).any():
                values, note = amounts.values.fill_null(values), amounts.note
        return replace(_cells(values, cleaned.is_not_null() & ~_finite(values), "no number"), note=note)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return None
    values = column.cast(pl.Float64).fill_nan(None)
    return _cells(values, (values.abs() > MAX_VALUE).fill_null(False), "no finite number")


def _instant(column: pl.Series) -> Cells | None:
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        aware = column.dt.replace_time_zone("UTC") if kind.time_zone is None else column.dt.convert_time_zone("UTC")
        return _in_range(aware.dt.cast_time_unit("us").cast(pl.Int64), column.is_not_null())
    if kind == pl.Date:
        return _in_range(column.cast(pl.Datetime("us")).cast(pl.Int64), column.is_not_null())
    if kind.is_numeric():
        like_days = kind.is_integer() and column.drop_nulls().head(LOOKED_AT).cast(pl.Float64).is_between(*DAYS).all()
        if like_days and (days := compact_days(column.cast(pl.String))) is not None:
            return _in_range(days, column.is_not_null())
        numbers = column.fill_nan(None) if kind.is_float() else column
        return _in_range(_micros(numbers), numbers.is_not_null())
    if kind != pl.String:
        return None
    cleaned = _known(column)
    if (days := compact_days(cleaned)) is not None:
        return _in_range(days, cleaned.is_not_null())
    whole = cleaned.cast(pl.Int64, strict=False)
    if whole.null_count() == cleaned.null_count():
        return _in_range(_micros(whole), cleaned.is_not_null())
    numbers = cleaned.cast(pl.Float64, strict=False)
    micros = _micros(numbers)
    return _in_range(micros.fill_null(_iso(cleaned.set(numbers.is_not_null(), None))), cleaned.is_not_null())


def _micros(numbers: pl.Series) -> pl.Series:
    """Epoch numbers as µs; the unit is told by the size of the middle one."""
    middle = numbers.cast(pl.Float64).abs().median()
    size = float(middle) if isinstance(middle, int | float) else 0.0
    scale = next((length for bound, length in UNITS if size < bound), NANOSECOND)
    if numbers.dtype.is_integer():
        wide = numbers.cast(pl.Int64, strict=False)
        if scale < 1:
            return wide // 1000
        safe = wide.set(wide.abs() > LATEST // int(scale), None)
        return safe * int(scale)
    exact = (numbers.cast(pl.Float64) * scale).round()
    return exact.set(~(exact.abs() <= LATEST).fill_null(True), None).cast(pl.Int64, strict=False)


def _iso(text: pl.Series) -> pl.Series:
    """ISO-8601 text (else a spreadsheet's) as µs; without an offset it is UTC, without a time of day midnight."""
    rest = text.str.replace(r"^(\d{4})/(\d{2})/(\d{2})\b", "${1}-${2}-${3}")
    rest = rest.str.replace(r"^(\d{4}-?\d{2}-?\d{2})[Tt_]", "${1} ").str.replace(r"\s*([Zz]|UTC|GMT)$", "+00:00")
    rest = rest.str.replace(r"(:\d{2}(?:\.\d+)?)\s*([+-]\d{2})$", "${1}${2}:00")
    rest = rest.str.replace(r"\s+([+-]\d{2}:?\d{2})$", "${1}")
    day_only = rest.str.contains(r"^\d{4}-\d{2}-\d{2}$")
    days = rest.set(~day_only.fill_null(False), None).str.to_date("%Y-%m-%d", strict=False)
    micros = days.cast(pl.Datetime("us")).cast(pl.Int64)
    for form, offset in FORMATS:
        left = micros.is_null() & rest.is_not_null()
        if not left.any():
            break
        some = rest.set(~left, None)
        if offset:
            parsed = some.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        else:
            parsed = some.str.to_datetime(form, time_unit="us", strict=False)
        micros = micros.fill_null(parsed.cast(pl.Int64))
    left = micros.is_null() & rest.is_not_null()
    n_cells = len(text) - text.null_count()
    return micros.fill_null(spreadsheet_dates(rest.set(~left, None), n_cells)) if left.any() else micros


def _in_range(micros: pl.Series, present: pl.Series) -> Cells:
    micros = micros.set(~micros.is_between(EARLIEST, LATEST).fill_null(True), None)
    values = micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    reason = "no instant between 1900 and 2200 (epoch s, ms, µs or ISO-8601)"
    return _cells(values, present & values.is_null(), reason)


def _list(column: pl.Series) -> Cells | None:
    note = None
    if column.dtype == pl.String:
        commas = not column.str.contains("|", literal=True).any() and bool(column.str.contains(",", literal=True).any())
        note = "no cell holds a '|', so commas part the lists" if commas else None
        column = column.str.split("," if commas else "|")
    elif isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    inner = getattr(column.dtype, "inner", None)
    if not isinstance(column.dtype, pl.List) or inner is None or inner.is_nested():
        return None
    parts = column.cast(pl.List(pl.String)).list.eval(pl.element().str.strip_chars())
    values = parts.list.eval(pl.element().filter(pl.element().is_not_null() & (pl.element() != "")))
    return replace(_cells(values.set((values.list.len() == 0).fill_null(False), None), None, "no list"), note=note)


def _vector(column: pl.Series) -> Cells | None:
    present = column.is_not_null()
    if column.dtype == pl.String:
        cleaned = column.str.strip_chars(" []()\t")
        present = (cleaned != "").fill_null(False)
        parts = cleaned.str.replace_all(r"[|,;\s]+", " ").str.split(" ")
        column = parts.list.eval(pl.element().cast(pl.Float32, strict=False))
    elif isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    inner = getattr(column.dtype, "inner", None)
    if not isinstance(column.dtype, pl.List) or inner is None or not inner.is_numeric():
        return None
    values = column.cast(pl.List(pl.Float32))
    sound = values.list.eval(pl.element().is_finite().fill_null(False)).list.all() & (values.list.len() > 0)
    sound = sound.fill_null(False)
    return _cells(values.set(~sound, None), present & ~sound, "no list of finite numbers")


def _known(column: pl.Series) -> pl.Series:
    cleaned = column.str.strip_chars()
    return cleaned.set(cleaned.str.to_lowercase().is_in(UNKNOWN).fill_null(False), None)


def _finite(values: pl.Series) -> pl.Series:
    return (values.abs() <= MAX_VALUE).fill_null(False) & values.is_not_nan().fill_null(False)


def _cells(values: pl.Series, bad: pl.Series | None, reason: str) -> Cells:
    if bad is None:
        bad = pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    return Cells(values.set(bad, None) if bad.any() else values, bad, reason)


_READERS: dict[str, Callable[[pl.Series], Cells | None]] = {
    str(pl.String): _text,
    str(pl.Float64): _number,
    str(type_of_time): _instant,
    str(pl.List(pl.String)): _list,
    str(pl.List(pl.Float32)): _vector,
}
_WANTED = {
    str(pl.String): "text or whole numbers",
    str(pl.Float64): "numbers",
    str(type_of_time): "instants (epoch s, ms, µs or ISO-8601)",
    str(pl.List(pl.String)): "lists of text or text like a|b|c",
    str(pl.List(pl.Float32)): "lists of numbers",
}
