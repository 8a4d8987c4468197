"""Meeting: which product each order line is of, by the shop's own id, by SKU or by title; how many lines met one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

SKU_SHARE = 0.95  # of lines without a product that carry a SKU, from which on the SKU is their item
LOW_SHARE = 0.8  # of lines that meet a product, below which a question is asked
SHOWN = 3
WORDS = {"product": "product id", "sku": "SKU", "name": "title"}


def key_text(column: str) -> pl.Expr:
    """A SKU, id or title as it is compared: blanks made one, no leading apostrophe of a spreadsheet, in lower case."""
    text = pl.col(column).str.replace(r"^'", "").str.replace_all(r"\s+", " ").str.strip_chars().str.to_lowercase()
    return pl.when(text != "").then(text)


def key_table(frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """(kind, key, item_id) of a frame with `item_id`; columns: kind → column that holds such keys."""
    parts = [
        frame.select(pl.lit(kind).alias("kind"), key_text(column).alias("key"), "item_id")
        for kind, column in columns.items()
    ]
    return pl.concat(parts).drop_nulls().unique(maintain_order=True)


def meet(lines: pl.DataFrame, keys: pl.DataFrame, *, products: bool) -> tuple[pl.DataFrame, list[str]]:
    """The lines with `item_id` and `met`, and sentences for the summary.

    lines: columns product, sku, name (text or null); keys: (kind, key, item_id), kinds as in WORDS; a key of several
    products names none. A line that meets none is an item of its own, by SKU or by title. products: there is a file.
    """
    notes = []
    ways: list[str] = []
    frame = lines.with_columns(item_id=pl.lit(None, pl.String))
    for kind, word in WORDS.items():
        of_kind = keys.filter(pl.col("kind") == kind)
        several = of_kind.group_by("key").agg(n=pl.col("item_id").n_unique()).filter(pl.col("n") > 1)
        single = of_kind.join(several, on="key", how="anti").select(pl.col("key").alias("_key"), _met="item_id")
        if several.height:
            notes.append(f"items: {several.height:,} values of the {word} belong to several products and are not used")
        before = frame.get_column("item_id").null_count()
        joined = frame.with_columns(key_text(kind).alias("_key")).join(
            single.unique("_key"), on="_key", how="left", maintain_order="left"
        )
        frame = joined.with_columns(item_id=pl.coalesce("item_id", "_met")).drop("_key", "_met")
        if n := before - frame.get_column("item_id").null_count():
            ways.append(f"{n:,} by {word}")
    frame = frame.with_columns(met=pl.col("item_id").is_not_null())
    alone = frame.filter(~pl.col("met"))
    if products:
        n_met, n = frame.height - alone.height, frame.height
        share = n_met / n if n else 1.0
        notes.insert(
            0, f"items: {n_met:,} of {n:,} order lines ({share:.0%}) met a product: {', '.join(ways) or 'none'}"
        )
        if alone.height:
            names = alone.get_column("name").drop_nulls().unique(maintain_order=True).head(SHOWN).to_list()
            question = "question: " if share < LOW_SHARE else ""
            remedy = "; is it the export of all products of this shop?" if question else ""
            notes.append(
                f"{question}{alone.height:,} order lines met no product (e.g. {names}): each title or SKU is an "
                f"item of its own, without description{remedy}"
            )
    by_sku = alone.height > 0 and alone.get_column("sku").null_count() <= (1 - SKU_SHARE) * alone.height
    of_line = key_text("name").str.replace_all(r"[^\p{L}\p{N}]+", "-").str.strip_chars("-")
    if by_sku:
        of_line = pl.coalesce(pl.col("sku").str.replace(r"^'", ""), of_line)
    if not products:
        notes.append(f"no products: the {'SKU' if by_sku else 'title'} of an order line is its item")
    return frame.with_columns(item_id=pl.coalesce("item_id", pl.when(of_line != "").then(of_line))), notes
