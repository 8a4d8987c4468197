"""Headers: column names compared without case, blanks and punctuation, so that `Lineitem SKU` is `lineitem_sku`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl


def plain_name(name: str) -> str:
    """Letters and digits of a name, in lower case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def pick(columns: Sequence[str], spellings: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """field → column of a file, for those fields of which a spelling (as `plain_name` gives it) is there."""
    by_name = {plain_name(column): column for column in reversed(columns)}
    chosen = {}
    for field, names in spellings.items():
        column = next((by_name[name] for name in names if name in by_name), None)
        if column is not None:
            chosen[field] = column
    return chosen


def blank_is_null(column: str) -> pl.Expr:
    """Trimmed text, null where nothing is left."""
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)
