"""recbole: atomic files with typed headers, .inter and optionally .item .user .net; zip, folder or the .inter file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import polars as pl

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.columns import choose_columns
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, SHOWN, Sheet
from features.reading.text_files import check_names, header_and_lines, split_fields
from features.schema import QUARANTINE, RAW_TABLES

TYPES = ("token", "token_seq", "float", "float_seq")
TABLES = {"interactions": "inter", "items": "item", "users": "user", "relations": "net"}
TAGS = ("class", "categories")  # what RecBole's own data sets call them
AGAIN = "write it as RecBole does, e.g. user_id:token<TAB>item_id:token<TAB>timestamp:float"


def read(path: Path, options: Options) -> RawTables:
    """Tables from atomic files; token_seq become lists; which field is the title, the tags … is guessed and said."""
    box = Archive.open(path.parent if path.suffix == ".inter" and path.is_file() else path)
    files = [path.name] if path.suffix == ".inter" else box.find_all("*.inter")
    if not files:
        raise box.missing("*.inter", "give the folder of a RecBole dataset")
    if len(files) > 1:
        raise UserError(f"{path}: several datasets {files}; expected one; give the .inter file that is meant")
    stem = PurePosixPath(files[0]).name.split(".inter")[0]
    sheets: dict[str, Sheet] = {}
    notes: list[str] = []
    for table, ending in TABLES.items():
        name = files[0] if table == "interactions" else box.find(f"{stem}.{ending}")
        if name is None:
            continue
        sheet = _atomic(box, name)
        choice = choose_columns(RAW_TABLES[table], sheet.columns, {}, sheet.shown)
        taken, guessed = dict(choice.taken), dict(choice.guessed)
        if table == "items" and "tags" not in taken.values():
            tags = next((field for field in TAGS if field in sheet.columns and field not in taken), None)
            if tags is not None:
                taken[tags], guessed["tags"] = "tags", tags
        sheets[table] = _as_text(sheet.take(taken, rest=True))
        if guessed:
            pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in guessed.items())
            notes.append(f"{table}: guessed fields: {pairs}")
    return assemble(sheets, options, notes)


def _as_text(sheet: Sheet) -> Sheet:
    """Titles and descriptions are one text each, and an item has one category, though RecBole declares sequences."""
    frame = sheet.frame
    words = [name for name in ("title", "description") if isinstance(frame.schema.get(name), pl.List)]
    frame = frame.with_columns(pl.col(name).list.join(" ") for name in words)
    if isinstance(frame.schema.get("category"), pl.List):
        tags = "tags" if "tags" in frame.columns else "category"
        frame = frame.with_columns(tags=pl.col(tags), category=pl.col("category").list.first())
    return sheet.with_frame(frame)


def _atomic(box: Archive, name: str) -> Sheet:
    """The fields of a file, each as its declared type; cells that do not fit it make their row a fault."""
    shown = box.shown(name)
    header, lines = header_and_lines(box, name)
    fields = [field.strip().rpartition(":") for field in header.split("\t")]
    wrong = [f"{field}:{kind}".lstrip(":") for field, _, kind in fields if not field or kind not in TYPES]
    if wrong:
        raise UserError(f"{shown}: line 1 declares {wrong}, expected NAME:TYPE with a TYPE of {list(TYPES)}; {AGAIN}")
    kinds = dict(
        zip(check_names([field for field, _, _ in fields], shown), (kind for _, _, kind in fields), strict=True)
    )
    if not lines.height:
        raise UserError(f"{shown}: a header and no rows; expected rows below it; export the file again")
    sheet = split_fields(lines, list(kinds), "\t", name, shown)
    for field, kind in kinds.items():
        sheet = _typed(sheet, field, kind)
    return replace(sheet, textual=False)


def _typed(sheet: Sheet, field: str, kind: str) -> Sheet:
    text = pl.col(field).str.strip_chars()
    if kind == "token":
        return sheet.with_frame(sheet.frame.with_columns(pl.when(text != "").then(text).alias(field)))
    words = pl.when(text != "").then(text.str.extract_all(r"[^ ]+"))
    if kind == "token_seq":
        return sheet.with_frame(sheet.frame.with_columns(words.alias(field)))
    if kind == "float":
        typed = sheet.frame.select(text.cast(pl.Float64, strict=False)).to_series()
        bad = (sheet.frame.select(text != "").to_series()) & ~typed.is_not_null()
    else:
        parts = words.list.eval(pl.element().cast(pl.Float64, strict=False))
        typed = sheet.frame.select(parts).to_series()
        bad = typed.list.eval(pl.element().is_null()).list.any().fill_null(False)
    faults = sheet.frame.filter(bad).select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.lit(field).alias("column"),
        pl.col(field).str.slice(0, SHOWN).alias("found"),
        pl.lit(f"no {kind}, as the header declares it").alias("reason"),
    )
    frame = sheet.frame.with_columns(typed.alias(field)).filter(~bad)
    return sheet.with_frame(frame).with_faults(faults.cast(dict(QUARANTINE.columns)))  # type: ignore[arg-type]
