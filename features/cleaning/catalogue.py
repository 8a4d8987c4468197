"""Catalogue: every item that can be recommended, with tidied texts; its order is the vocabulary of the bundle."""

from __future__ import annotations

from typing import Any

import polars as pl

from features.cleaning.text import item_text, plain
from features.schema import CATALOGUE


def build_catalogue(
    items: pl.DataFrame, rows: pl.DataFrame, *, category_from_tags: bool = True
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """CATALOGUE, and what was changed. Items are those of ITEMS and those of `rows` (train + valid), sorted by id.

    An item that has rows but no side row keeps its id alone. Texts lose markup and extra blanks; empty tags and invalid
    prices become null. An item that was used before its creation date gets the date of its first use.
    """
    first_use = rows.group_by("item_id").agg(first_use=pl.col("timestamp").min())
    joined = items.select([name for name in CATALOGUE.columns if name != "text"]).join(
        first_use, on="item_id", how="full", coalesce=True
    )
    has_tag = pl.col("tags").list.len() > 0
    tidy = joined.sort("item_id").with_columns(
        plain("title"), plain("description"), plain("category"), _tidy_tags(), _possible_price()
    )
    tidy = tidy.with_columns(tags=pl.when(has_tag).then(pl.col("tags")))
    was_created = pl.min_horizontal("created_at", "first_use")
    final = tidy.with_columns(
        category=pl.coalesce("category", pl.col("tags").list.first()) if category_from_tags else pl.col("category"),
        created_at=pl.when(pl.col("created_at").is_not_null()).then(was_created),
    )
    catalogue = CATALOGUE.check(final.with_columns(item_text(final).alias("text")), source="cleaning")
    report = {
        "n_items": catalogue.height,
        "n_items_without_side_row": joined.height - items.height,
        "n_items_without_text": catalogue["text"].null_count(),
        "n_titles_tidied": _changed(joined, tidy, "title"),
        "n_descriptions_tidied": _changed(joined, tidy, "description"),
        "n_impossible_prices": catalogue["price"].null_count() - joined["price"].null_count(),
        "n_categories_from_tags": tidy["category"].null_count() - catalogue["category"].null_count(),
        "n_created_at_set_to_first_use": int(
            tidy.select((pl.col("created_at") > pl.col("first_use")).fill_null(False).sum()).item()
        ),
    }
    return catalogue, report


def _tidy_tags() -> pl.Expr:
    """Tags without blanks and repeats, in their order."""
    stripped = pl.element().str.strip_chars()
    tidy = pl.col("tags").list.eval(stripped.filter(stripped.str.len_chars() > 0))
    return tidy.list.unique(maintain_order=True).alias("tags")


def _possible_price() -> pl.Expr:
    price = pl.col("price")
    return pl.when(price.is_finite() & (price >= 0)).then(price).alias("price")


def _changed(before: pl.DataFrame, after: pl.DataFrame, column: str) -> int:
    """Rows whose text is another than before; both frames hold the same items."""
    return int((before.sort("item_id")[column].ne_missing(after[column])).sum())
