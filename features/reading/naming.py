"""Naming: the columns of somebody's tables under our names; rows of an order and events of a website made complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from features.errors import UserError
from features.reading.columns import Choice, choose_columns
from features.reading.raw_tables import Options
from features.reading.sheet import Sheet
from features.reading.shops.headers import blank_is_null, plain_name
from features.reading.shops.html_text import html_column
from features.reading.shops.order_rows import fill_down, order_column
from features.schema import INTERACTIONS, ITEMS, RAW_TABLES

SPARSE = 0.5  # share of blank cells from which on a column gives way to a fuller one of the same meaning
SETTABLE = ("event", "value")
SHOWN = 5  # kinds of events that a sentence names
KEYS = ("user_id", "item_id")


def name_columns(sheets: Mapping[str, Sheet], options: Options) -> tuple[dict[str, Sheet], list[str]]:
    """The sheets with our names in front, and sentences on everything that was guessed.

    Raises:
        UserError: an obligatory column is missing, several could be it, or an option names what is not there.
    """
    named: dict[str, Sheet] = {}
    notes: list[str] = []
    keys: dict[str, str] = {}
    for name in (table for table in RAW_TABLES if table in sheets):
        sheet = sheets[name]
        sparse = _sparse(sheet)
        choice = choose_columns(RAW_TABLES[name], sheet.columns, options.columns, sheet.shown, sparse=sparse, keys=keys)
        if name == INTERACTIONS.name:
            keys = {ours: theirs for theirs, ours in choice.taken.items() if ours in KEYS}
            sheet, more = _completed(sheet, choice, options)
            notes += more
        if name == ITEMS.name:
            sheet = _readable(sheet, choice)
        named[name] = sheet.take(choice.taken, rest=True)
        if name == INTERACTIONS.name:
            named[name], more = _with_constants(named[name], options.constants)
            notes += more
            if any(plain_name(column).startswith("lineitem") for column in sheet.columns):
                notes.append(
                    "question: these look like orders exported from Shopify: `recops data import shopify` also reads "
                    "refunds and cancellations, guests, and variants as one product"
                )
        if choice.guessed:
            pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in choice.guessed.items())
            notes.append(f"{name}: guessed columns: {pairs}; correct a wrong guess with --map OURS=THEIRS")
    return named, notes


def _sparse(sheet: Sheet) -> list[str]:
    """Text columns most of whose cells are blank."""
    n_rows = sheet.frame.height
    shares = sheet.frame.select(
        blank_is_null(name).is_null().sum().alias(name)
        for name in sheet.columns
        if sheet.frame.schema[name] in (pl.String, pl.Null)
    )
    return [name for name in shares.columns if n_rows and shares.item(0, name) > SPARSE * n_rows]


def _completed(sheet: Sheet, choice: Choice, options: Options) -> tuple[Sheet, list[str]]:
    """Rows of an order take customer, time and event from its first; web events without an item are left out."""
    theirs = {ours: column for column, ours in choice.taken.items()}
    notes = []
    order = options.order_column or order_column(sheet.columns)
    if options.order_column is not None and options.order_column not in sheet.columns:
        raise UserError(f"{sheet.shown}: no column '{order}' as --fill-down says; there are {sheet.columns}")
    stated_once = [theirs[ours] for ours in ("user_id", "timestamp", "event") if ours in theirs]
    if order is not None and order not in theirs.values():
        frame, n_filled = fill_down(sheet.frame, order, stated_once)
        if n_filled:
            n_cells = sum(n_filled.values())
            notes.append(
                f"interactions: {n_cells:,} blank cells of {list(n_filled)} are filled from the row above of the same "
                f"'{order}', as exports with one row a line item need it"
            )
            sheet = sheet.with_frame(frame)
    if "event" in theirs and plain_name(theirs["event"]) == "eventname":
        event, item = theirs["event"], theirs["item_id"]
        nothing = blank_is_null(item).is_null() | blank_is_null(item).eq("(not set)")
        without = sheet.frame.filter(nothing)
        if without.height:
            kinds = without.group_by(event).len("n").sort(["n", event], descending=[True, False]).rows()
            listed = ", ".join(f"{n:,} '{kind}'" for kind, n in kinds[:SHOWN])
            notes.append(
                f"interactions: {without.height:,} of {sheet.frame.height:,} events name no item and are left out "
                f"({listed}{' and others' if len(kinds) > SHOWN else ''})"
            )
            sheet = sheet.with_frame(sheet.frame.filter(~nothing))
            if not sheet.frame.height:
                raise UserError(
                    f"{sheet.shown}: no event names an item in column '{item}'; export the events with their items "
                    "(from BigQuery: SELECT … FROM events, UNNEST(items) AS items), or say `--map item_id=THEIRS`"
                )
    return sheet, notes


def _readable(sheet: Sheet, choice: Choice) -> Sheet:
    """Descriptions that are HTML by their column's name, as text."""
    body = next((theirs for theirs, ours in choice.taken.items() if ours == "description"), None)
    if body is None or "html" not in plain_name(body):
        return sheet
    return replace(sheet, frame=sheet.frame.with_columns(html_column(body)))


def _with_constants(sheet: Sheet, constants: Mapping[str, str]) -> tuple[Sheet, list[str]]:
    """Columns that have one value in all rows, because the caller says so."""
    frame, notes = sheet.frame, []
    for column, value in constants.items():
        if column not in SETTABLE:
            raise UserError(
                f"--set {column}={value}: '{column}' cannot be set; there are {list(SETTABLE)}, e.g. "
                "--set event=purchase"
            )
        if column in frame.columns:
            notes.append(f"interactions: {column} is '{value}' in all rows as --set says; the file's own is not read")
        frame = frame.with_columns(pl.lit(value).alias(column))
    return sheet.with_frame(frame), notes
