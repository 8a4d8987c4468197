"""mind: Microsoft News, behaviors.tsv with what was shown and clicked, news.tsv; zip or folder, several parts too."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, SHOWN, Sheet, join_sheets
from features.reading.text_files import plain_sheet
from features.schema import QUARANTINE

BEHAVIORS = ("impression_id", "user_id", "time", "history", "impressions")
NEWS = ("item_id", "category", "subcategory", "title", "description", "url", "_title_entities", "_abstract_entities")
TIME = "%m/%d/%Y %I:%M:%S %p"
AGAIN = "use the files as MIND gives them, e.g. the folder MINDsmall_train"


def read(path: Path, options: Options) -> RawTables:
    """One row for each news item shown: event `click` where it was clicked (-1), else `impression` (-0, no label).

    The clicks of the column `history` have no time of their own and are left out with a word.
    """
    box = Archive.open(path)
    behaviors, news = box.find_all("behaviors.tsv"), box.find_all("news.tsv")
    if not behaviors:
        raise box.missing("behaviors.tsv", AGAIN)
    read_lines = join_sheets([plain_sheet(box, name, BEHAVIORS, "\t") for name in behaviors])
    sheets = {"interactions": _shown_news(read_lines)}
    histories = read_lines.frame.select("user_id", "history").unique()
    n_clicks = int(histories.get_column("history").str.count_matches(r"\S+").sum() or 0)
    notes = [f"history: {n_clicks} earlier clicks carry no time and are left out"] if n_clicks else []
    if news:
        sheet = join_sheets([plain_sheet(box, name, NEWS, "\t") for name in news])
        topics = pl.concat_list(pl.when(pl.col("subcategory") != "").then("subcategory")).list.drop_nulls()
        sheets["items"] = sheet.with_frame(sheet.frame.with_columns(tags=topics))
    else:
        notes.append("no news.tsv beside the behaviors")
    return assemble(sheets, options, notes)


def _shown_news(sheet: Sheet) -> Sheet:
    """One row an item of `impressions`; items whose label is not 0 or 1 are faults, so are lines that show nothing."""
    instant = pl.col("time").str.strip_chars()
    read_time = instant.str.to_datetime(TIME, strict=False).dt.strftime("%Y-%m-%d %H:%M:%S")
    each = (
        sheet.frame.with_columns(
            timestamp=pl.coalesce(read_time, instant),
            entry=pl.col("impressions").str.extract_all(r"\S+"),
        )
        .explode("entry", empty_as_null=True)
        .with_columns(
            item_id=pl.col("entry").str.extract(r"^([^-]+)(?:-[01])?$"),
            event=pl.when(pl.col("entry").str.ends_with("-1")).then(pl.lit("click")).otherwise(pl.lit("impression")),
        )
    )
    reason = pl.when(pl.col("entry").is_null()).then(pl.lit("nothing shown")).otherwise(pl.lit("no ITEM-0 or ITEM-1"))
    faults = each.filter(pl.col("item_id").is_null()).select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.lit("impressions").alias("column"),
        pl.coalesce("entry", "impressions").str.slice(0, SHOWN).alias("found"),
        reason.alias("reason"),
    )
    rows = each.filter(pl.col("item_id").is_not_null()).select(
        "user_id", "item_id", "timestamp", "event", pl.col("impression_id").alias("_impression_id"), FILE, LINE
    )
    typed = faults.cast(dict(QUARANTINE.columns))  # type: ignore[arg-type]
    return sheet.with_frame(rows).with_faults(typed)
