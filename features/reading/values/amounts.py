"""Amounts: numbers as shops and spreadsheets write them: currency signs, thousands separators, a decimal comma."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

CURRENCIES = (
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON"),
    *("BGN", "TRY", "BRL", "MXN", "INR", "ZAR", "SGD", "HKD", "KRW", "THB", "ILS", "AED", "SAR", "IDR", "MYR", "PHP"),
    *("VND", "CLP", "COP", "ARS", "PEN", "UAH", "RUB", "TWD", "kr", "Kr", "zł", "Kč", "Ft", "lei", "лв", "руб", "Rs"),
)
_unit = rf"(?:[A-Z]{{0,3}}\p{{Sc}}|(?:{'|'.join(CURRENCIES)})\.?)"
_amount = rf"^([-+−]?)\s*{_unit}?\s*([-+−]?\d[\d.,]*|[-+−]?[.,]\d+)\s*{_unit}?$"
_grouping = r"(\d)['’\s\u00a0\u202f](\d)"


@dataclass(frozen=True)
class Amounts:
    """`values` (null where the text is no amount), and a sentence on how they were read."""

    values: pl.Series
    note: str


def read_amounts(text: pl.Series, present: pl.Series) -> Amounts:
    """Numbers of a column of trimmed text that is not all plain numbers.

    Whether the comma or the point is the decimal sign is decided once for the column, by the cells that leave no doubt
    (`1.299,00`, `12,5`). Cells in doubt (`1,299`) follow them; without any, a comma before three digits groups
    thousands.
    """
    ungrouped = text.str.replace_all(_grouping, "${1}${2}").str.replace_all(_grouping, "${1}${2}")
    parts = ungrouped.to_frame("t").select(
        sign=pl.col("t").str.extract(_amount, 1), digits=pl.col("t").str.extract(_amount, 2)
    )
    digits = parts.get_column("digits").str.replace("−", "-", literal=True)
    negative = parts.get_column("sign").is_in(["-", "−"]).fill_null(False)
    comma = digits.str.contains(r"\.\d*,\d+$") | digits.str.contains(r"^[-+]?\d*,(\d{1,2}|\d{4,}|0{3})$")
    comma |= digits.str.contains(r"^[-+]?0,\d+$") | digits.str.contains(r"^[-+]?\d{1,3}(\.\d{3}){2,}$")
    point = digits.str.contains(r",\d*\.\d+$") | digits.str.contains(r"^[-+]?\d*\.(\d{1,2}|\d{4,})$")
    point |= digits.str.contains(r"^[-+]?0\.\d+$") | digits.str.contains(r"^[-+]?\d{1,3}(,\d{3}){2,}$")
    n_comma, n_point = int(comma.fill_null(False).sum()), int(point.fill_null(False).sum())
    if n_comma and not n_point:
        by_comma = pl.repeat(True, len(text), dtype=pl.Boolean, eager=True)
    elif n_comma:
        by_comma = comma.fill_null(False)
    else:
        by_comma = pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    as_comma = digits.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    as_point = digits.str.replace_all(",", "", literal=True)
    plain = as_comma.zip_with(by_comma, as_point)
    values = plain.cast(pl.Float64, strict=False)
    values = (-values).zip_with(negative, values)
    undecided = (n_comma > 0) & (n_point > 0)
    if undecided:  # both are used as decimal signs: a cell that fits either says nothing
        doubtful = digits.str.contains(r"^[-+]?[1-9]\d{0,2}[.,]\d{3}$").fill_null(False)
        values = values.set(doubtful, None)
    sign = "each cell's own decimal sign" if undecided else "a decimal comma" if n_comma else "a decimal point"
    odd = text.filter(present & text.cast(pl.Float64, strict=False).is_null() & values.is_not_null())
    example = f"'{odd[0]}'" if len(odd) else "none"
    return Amounts(values, f"{len(odd):,} cells such as {example} are read as amounts with {sign}")
