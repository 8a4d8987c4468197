"""Assemble: the sheets of one source become its raw tables, under the one import contract that all sources share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from features.errors import UserError
from features.reading.conform import Conformed, conform
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet
from features.reading.times import ORDERS, give_times
from features.schema import ITEM_VECTORS, RAW_TABLES

PRICES = ("price", "unit_price")
EXAMPLES = 3


def assemble(sheets: Mapping[str, Sheet], options: Options, notes: Sequence[str] = ()) -> RawTables:
    """Raw tables from sheets by table name, columns already named as ours.

    Raises:
        UserError: a table has no rows, cannot be read, or has more bad rows than `options.bad_share`.
    """
    report = [*notes, *(note for name in RAW_TABLES if name in sheets for note in sheets[name].notes)]
    if options.hasher is not None:
        report.append(f"ids of users are hashes under the key with the fingerprint {options.hasher.fingerprint}")
    shaped: dict[str, Conformed] = {}
    artificial = False
    for name, table in RAW_TABLES.items():
        if name not in sheets:
            continue
        sheet = sheets[name]
        if name == ITEM_VECTORS.name and "modality" not in sheet.frame.columns:
            sheet = sheet.with_frame(sheet.frame.with_columns(modality=pl.lit("vector")))
        conformed = conform(table, sheet, options.hasher)
        if name == "interactions":
            timed = give_times(conformed, sheet.shown)
            conformed, artificial = timed.shaped, timed.artificial
            report += [timed.note] if timed.note else []
        if name == ITEM_VECTORS.name:
            check_lengths(conformed.frame, sheet.shown)
        _check_share(name, conformed, sheet.shown, options.bad_share)
        shaped[name] = conformed
        report += _notes_on(name, conformed)
    tables = {
        name: _final(name, shaped[name].frame) if name in shaped else table.empty()
        for name, table in RAW_TABLES.items()
    }
    report += _not_kept(sheets["interactions"])
    tables["items"], priced = _with_prices(tables["items"], shaped["interactions"])
    report += [*priced, *_sides(tables)]
    return RawTables(
        interactions=tables["interactions"],
        items=tables["items"],
        users=tables["users"],
        relations=tables["relations"],
        item_vectors=tables["item_vectors"],
        quarantine=pl.concat([conformed.quarantine for conformed in shaped.values()]),
        artificial_time=artificial,
        counts={
            **{f"{name}_read": conformed.n_read for name, conformed in shaped.items()},
            **{f"{name}_quarantined": conformed.quarantine.height for name, conformed in shaped.items()},
            **{f"{name}_repeated": conformed.n_repeated for name, conformed in shaped.items()},
        },
        notes=tuple(report),
    )


def _final(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    table = RAW_TABLES[name]
    kept = [column for column in frame.columns if not column.startswith("_")] if table.open else list(table.columns)
    return table.check(frame.select(kept), source="the import")


def _check_share(name: str, conformed: Conformed, shown: str, bad_share: float) -> None:
    n_bad = conformed.quarantine.height
    if n_bad <= bad_share * conformed.n_read and conformed.frame.height:
        return
    if not conformed.n_read:
        raise UserError(f"{shown}: no rows; expected rows of {name}; export or download the file again")
    examples = "; ".join(_example(row) for row in conformed.quarantine.head(EXAMPLES).iter_rows(named=True))
    raise UserError(
        f"{shown}: {n_bad} of {conformed.n_read} rows ({n_bad / conformed.n_read:.1%}) cannot be read, "
        f"more than the share {bad_share:g} that an import goes on with: {examples}; "
        "correct these lines (and check that columns and types are the right ones), or allow more with --bad-share"
    )


def _example(row: Mapping[str, object]) -> str:
    where = f"line {row['line']} of {row['file']}"
    column = f", column '{row['column']}'" if row["column"] else ""
    return f"{where}{column}: {row['reason']} (found '{row['found']}')"


def _notes_on(name: str, conformed: Conformed) -> list[str]:
    notes = list(conformed.notes)
    if conformed.quarantine.height:
        example = _example(conformed.quarantine.row(0, named=True))
        notes.append(
            f"{name}: {conformed.quarantine.height} of {conformed.n_read} rows could not be read and are in "
            f"quarantine.parquet with the reason, e.g. {example}"
        )
    if conformed.n_repeated:
        notes.append(f"{name}: {conformed.n_repeated} rows alike in all columns with an earlier one were dropped")
    return notes


def check_lengths(vectors: pl.DataFrame, shown: str) -> None:
    """That all vectors of a modality have the same length.

    Raises:
        UserError: they have not.
    """
    lengths = vectors.group_by("modality").agg(pl.col("vector").list.len().unique().sort())
    for modality, several in lengths.sort("modality").iter_rows():
        if len(several) > 1:
            raise UserError(
                f"{shown}: vectors of modality '{modality}' have {several} numbers; expected one length "
                "in each modality; write the outputs of different encoders under different modalities"
            )


def _not_kept(sheet: Sheet) -> list[str]:
    expected = {*RAW_TABLES["interactions"].columns, *ORDERS}
    rest = [name for name in sheet.columns if name not in expected]
    return [f"interactions: columns {rest} are not kept"] if rest else []


def _with_prices(items: pl.DataFrame, interactions: Conformed) -> tuple[pl.DataFrame, list[str]]:
    """Where items have no price at all, the median price above 0 that interactions state for them."""
    stated = interactions.original
    column = next((name for name in PRICES if name in stated.columns), None)
    if column is None or not items.height or items.get_column("price").null_count() < items.height:
        return items, []
    if not (stated.schema[column].is_numeric() or stated.schema[column] == pl.String):
        return items, []
    paid = interactions.frame.select("item_id", paid=stated.get_column(column).cast(pl.Float64, strict=False))
    median = paid.filter(pl.col("paid") > 0).group_by("item_id").agg(pl.col("paid").median())
    priced = items.join(median, on="item_id", how="left", maintain_order="left")
    priced = priced.with_columns(price=pl.col("paid")).drop("paid").select(items.columns)
    n = priced.height - priced.get_column("price").null_count()
    return priced, [f"items: {n} prices are the median of column '{column}' of the interactions"]


def _sides(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Warnings about users and items without a row of their own: such interactions are kept."""
    interactions = tables["interactions"]
    notes = []
    for name, key in (("items", "item_id"), ("users", "user_id")):
        side = tables[name]
        if not side.height:
            if name == "items":
                notes.append("no items: titles and texts are null, so text parts step aside")
            continue
        lonely = interactions.join(side.select(key), on=key, how="anti")
        if lonely.height:
            n, example = lonely.get_column(key).n_unique(), lonely.item(0, key)
            rest = "titles and texts null" if name == "items" else "attributes null"
            notes.append(
                f"warning: {n} {name} of {lonely.height} interactions have no row in {name} (e.g. '{example}'); "
                f"they are kept, {rest}"
            )
    for name, key in (("relations", "user_id"), ("item_vectors", "item_id")):
        if tables[name].height:
            lonely = tables[name].join(interactions.select(key).unique(), on=key, how="anti")
            if lonely.height:
                notes.append(f"{name}: {lonely.height} rows belong to a {key} without interactions; they are kept")
    return notes
