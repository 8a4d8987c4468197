"""Dates as spreadsheets write them: 5/31/2024 8:26, 31.05.2024, 2024/05/31, 20240531."""

from __future__ import annotations

import polars as pl

_written = (
    r"^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4})"
    r"(?:,?[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:\s*([AaPp])\.?[Mm]\.?)?)?$"
)
FEW = 0.05  # of a column's cells: as many as an import sets aside
LOOKED_AT = 100  # cells that rule most columns out before all of them are read
COMPACT = r"^(19|20|21)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"


class DayOrMonthError(ValueError):
    """Dates that may be day/month or month/day; says one of them."""


def compact_days(text: pl.Series) -> pl.Series | None:
    """µs of a column whose every cell is a day like 20240531; None where one is not (they are epoch numbers then)."""
    there = text.drop_nulls()
    if (
        not there.head(LOOKED_AT).str.contains(COMPACT).all()
        or not there.str.contains(COMPACT).all()
        or there.is_empty()
    ):
        return None
    days = text.str.to_date("%Y%m%d", strict=False)
    if days.null_count() > text.null_count():
        return None
    return days.cast(pl.Datetime("us")).cast(pl.Int64)


def spreadsheet_dates(text: pl.Series, n_cells: int) -> pl.Series:
    """µs of cells like `5/31/2024 8:26`, `31.05.2024 10:00:00` or `1/2/2024 3:04 PM`; null where the text is none.

    Points part day.month; with a slash or a dash the column must show which number is the day (one above 12).
    `n_cells`: of the whole column; a few such dates among others, which leave it open, are null.

    Raises:
        DayOrMonthError: the column does not show it.
    """
    names = ("first", "mark", "second", "year", "hour", "minute", "sec", "half")
    parts = text.to_frame("t").select(
        pl.col("t").str.extract(_written, n).alias(name) for n, name in enumerate(names, 1)
    )
    numbers = parts.with_columns(
        pl.col(name).cast(pl.Int64, strict=False) for name in names if name not in {"mark", "half"}
    )
    open_question = numbers.filter(pl.col("mark").is_in(["/", "-"]))
    day_first = _day_first(open_question)
    if day_first is None and open_question.height > FEW * n_cells:
        raise DayOrMonthError(text.filter(text.str.contains(_written))[0])
    first_is_day = pl.col("mark").eq(".") | pl.lit(day_first, pl.Boolean)
    half = pl.col("half").str.to_lowercase()
    hour = pl.col("hour").fill_null(0)
    hour = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
    moments = numbers.select(
        pl.format(
            "{}-{}-{} {}:{}:{}",
            "year",
            _two(pl.when(first_is_day).then("second").when(~first_is_day).then("first")),
            _two(pl.when(first_is_day).then("first").when(~first_is_day).then("second")),
            _two(hour),
            _two(pl.col("minute").fill_null(0)),
            _two(pl.col("sec").fill_null(0)),
        )
    ).to_series()
    return moments.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)


def _day_first(dates: pl.DataFrame) -> bool | None:
    """Whether the first number is the day; None: no date tells."""
    if (dates.get_column("first") > 12).any():
        return True
    return False if (dates.get_column("second") > 12).any() else None


def _two(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.zfill(2)
