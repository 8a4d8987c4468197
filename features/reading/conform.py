"""Shape: a sheet becomes its Table; rows that cannot be read go to the quarantine with file, line and reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.errors import UserError
from features.fields import NOTHING, id_faults, name_faults
from features.privacy.hashed_ids import IdHasher, hashed
from features.reading.cells import read_cells
from features.reading.sheet import FILE, LINE, SHOWN, Sheet
from features.schema import QUARANTINE
from features.table import Table

WHOLE = r"^-?(0|[1-9]\d{0,17})$"
IDS = frozenset({"user_id", "item_id", "friend_id"})
PEOPLE = ("user_id", "friend_id")
HIDDEN = "(hidden: ids are hashed)"
EMAIL = r"[^\s@]+@[^\s@]+\.[^\s@]+"
DECIMAL = r"^-?(0|[1-9]\d*)(\.\d+)?$"


@dataclass(frozen=True)
class Conformed:
    """`frame` has the Table's columns, further ones, FILE and LINE; `original` the same rows as the file wrote them.

    `n_read` counts all rows of the file, bad and repeated ones too; `notes` say how columns were understood.
    """

    frame: pl.DataFrame
    original: pl.DataFrame
    quarantine: pl.DataFrame
    n_read: int
    n_repeated: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Rows of a sheet where `column` is bad, and why."""

    column: str
    rows: pl.Series
    reason: str


def conform(table: Table, sheet: Sheet, hasher: IdHasher | None = None) -> Conformed:
    """The rows that can be read, in the order of the file; rows alike in all columns stay once.

    With a hasher, ids of users become hashes, and neither further columns nor the quarantine hold an e-mail.

    Raises:
        UserError: a column has a type that can never be read, or a key comes twice with different content.
    """
    frame = sheet.frame
    alike = [name for name in frame.columns if name not in {FILE, LINE}]
    once = frame.unique(subset=alike, keep="first", maintain_order=True)
    columns, faults, notes = _read_columns(table, once, sheet.shown)
    rest = {} if not table.open else _further(table, once, textual=sheet.textual)
    if hasher is not None:
        columns = {name: hashed(column, hasher) if name in PEOPLE else column for name, column in columns.items()}
        personal = [name for name, column in rest.items() if column.dtype == pl.String and _holds_emails(column)]
        notes += (f"{table.name}: columns {personal} hold e-mails and are left out",) if personal else ()
        rest = {name: column for name, column in rest.items() if name not in personal}
    unnamed = [once.get_column(name) for name in once.columns if name.startswith("_")]
    read = pl.DataFrame([*columns.values(), *rest.values(), *unnamed])
    good, original, bad = set_aside(read, once, faults)
    _check_key(table, good, sheet.shown)
    n_read = frame.height + sheet.faults.height
    quarantine = pl.concat([sheet.faults, bad])
    if hasher is not None:
        personal_cell = pl.col("column").is_in(PEOPLE).fill_null(True) | pl.col("found").str.contains("@", literal=True)
        shown = pl.when(personal_cell & (pl.col("found") != "")).then(pl.lit(HIDDEN)).otherwise("found")
        quarantine = quarantine.with_columns(shown.alias("found"))
    return Conformed(good, original, quarantine, n_read, frame.height - once.height, notes)


def set_aside(
    read: pl.DataFrame, original: pl.DataFrame, faults: list[Fault]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows without a fault as read and as written, and rows with one as QUARANTINE rows that say its first fault."""
    faults = [fault for fault in faults if fault.rows.any()]
    if not faults:
        return read, original, QUARANTINE.empty()
    masks = [f"_{position}" for position in range(len(faults))]
    marked = original.with_columns(
        fault.rows.rename(mask) for fault, mask in zip(faults, masks, strict=True)
    ).with_columns(_aside=pl.any_horizontal(masks))
    pairs = list(zip(faults, masks, strict=True))
    bad = marked.filter("_aside").select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.coalesce(pl.when(mask).then(pl.lit(fault.column)) for fault, mask in pairs).alias("column"),
        pl.coalesce(pl.when(mask).then(_as_found(marked, fault.column)) for fault, mask in pairs).alias("found"),
        pl.coalesce(pl.when(mask).then(pl.lit(fault.reason)) for fault, mask in pairs).alias("reason"),
    )
    sound = ~marked.get_column("_aside")
    return read.filter(sound), original.filter(sound), bad.cast(dict(QUARANTINE.columns))  # type: ignore[arg-type]


def _holds_emails(column: pl.Series) -> bool:
    return bool(column.str.contains(EMAIL).fill_null(False).any())


def _read_columns(
    table: Table, frame: pl.DataFrame, shown: str
) -> tuple[Mapping[str, pl.Series], list[Fault], tuple[str, ...]]:
    columns: dict[str, pl.Series] = {}
    faults = []
    notes = []
    for name, kind in table.columns.items():
        if name in frame.columns:
            cells = read_cells(frame.get_column(name), kind, shown)
            columns[name] = cells.values.rename(name)
            notes += [f"{table.name}, column '{name}': {cells.note}"] if cells.note else []
            faults.append(Fault(name, cells.bad, cells.reason))
            if name in table.required and name in {*table.key, *IDS, "vector"}:
                faults.append(Fault(name, cells.values.is_null() & ~cells.bad, f"no {name}"))
            faults += _broken_rules(name, columns[name])
        else:
            columns[name] = pl.repeat(None, frame.height, dtype=kind, eager=True).rename(name)
    return columns, faults, tuple(notes)


def _broken_rules(name: str, values: pl.Series) -> list[Fault]:
    """What the rules for fields say of a column that was read: ids and names of events are alike at every door."""
    rules = id_faults(pl.col(name)) if name in IDS else name_faults(pl.col(name)) if name == "event" else {}
    broken = values.to_frame().select(rule.fill_null(False).alias(reason) for reason, rule in rules.items())
    return [
        Fault(name, broken.get_column(reason), f"no {name}: it {reason}" if reason == NOTHING else f"{name} {reason}")
        for reason in rules
    ]


def _further(table: Table, frame: pl.DataFrame, *, textual: bool) -> Mapping[str, pl.Series]:
    """Columns beyond the Table's; text that is all numbers becomes numbers where the file knows no types."""
    names = [name for name in frame.columns if name not in table.columns and not name.startswith("_")]
    columns = {name: frame.get_column(name) for name in names}
    for name, column in columns.items():
        if column.dtype == pl.Null:
            columns[name] = column.cast(pl.String)
        elif column.dtype == pl.String and textual:
            stripped = column.str.strip_chars()
            kept = stripped.set(stripped == "", None)
            columns[name] = kept
            if kept.null_count() == len(kept):
                continue
            if kept.str.contains(WHOLE).fill_null(True).all():
                columns[name] = kept.cast(pl.Int64)
            elif kept.str.contains(DECIMAL).fill_null(True).all():
                columns[name] = kept.cast(pl.Float64)
    return columns


def _check_key(table: Table, frame: pl.DataFrame, shown: str) -> None:
    if not table.key or frame.select(table.key).n_unique() == frame.height:
        return
    twice = frame.filter(frame.select(table.key).is_duplicated())
    key = twice.row(0, named=True)
    same = twice.filter(pl.all_horizontal(pl.col(name) == key[name] for name in table.key))
    lines = " and ".join(f"line {line} of {file}" for file, line in same.select(FILE, LINE).head(2).iter_rows())
    twice_named = ", ".join(f"{name} '{key[name]}'" for name in table.key)
    n_keys = twice.select(table.key).n_unique()
    more = f" ({n_keys} keys come more than once)" if n_keys > 1 else ""
    raise UserError(
        f"{shown}: {twice_named} comes more than once with different content, at {lines}{more}; "
        f"expected one row for each {', '.join(table.key)} in {table.name}; keep one of them"
    )


def _as_found(frame: pl.DataFrame, column: str) -> pl.Expr:
    """A cell as text for the quarantine, whatever its type; empty where nothing is."""
    if column not in frame.columns:
        return pl.lit("")
    kind = frame.schema[column]
    if kind.is_nested():
        text = pl.col(column).map_elements(str, return_dtype=pl.String)
    else:
        text = pl.col(column).cast(pl.String, strict=False)
    return text.str.slice(0, SHOWN).fill_null("")
