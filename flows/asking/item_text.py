"""What is written of items, for people at a terminal: lines of `recops item`, and clauses after reasons."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from features.errors import UserError
from features.schema import CATALOGUE
from flows.project.dataset import Project
from models.language.tasks.description import listed
from models.language.writing.enriched import ENRICHED_ITEMS


def item_lines(project: Project, item_id: str) -> Iterator[str]:
    """
    Raises:
        UserError: the stages have not come so far, or there is no such item.
    """
    paths = project.paths.catalogue / "catalogue.parquet", project.paths.enriched / "items.parquet"
    if not all(path.is_file() for path in paths):
        raise UserError("item: nothing is written of items yet; run `recops run --until enrich` first")
    known, written = (
        table.read(path).filter(pl.col("item_id") == item_id)
        for table, path in zip((CATALOGUE, ENRICHED_ITEMS), paths, strict=True)
    )
    if known.is_empty():
        raise UserError(f"item: there is no item {item_id!r} in the catalogue")
    facts, text = known.row(0, named=True), written.row(0, named=True)
    yield f"{item_id}: {facts['title'] or 'without a title'}"
    for name in ("category", "tags", "price", "description"):
        if facts[name]:
            yield f"  {name}: {listed(facts[name]) if isinstance(facts[name], list) else facts[name]}"
    labels = {"description": "description, written", "prior_popularity": "how well known (0 to 10)", "reason": "about"}
    for name in ("keywords", "description", "prior_popularity", "reason"):
        if text[name] not in (None, []):
            value = listed(text[name]) if isinstance(text[name], list) else text[name]
            yield f"  {labels.get(name, name)}: {value}  [{'a model' if name in text['asked'] else 'local'}]"


def with_clauses(project: Project, lists: pl.DataFrame) -> pl.DataFrame:
    """Lists whose reasons say what the item is about: "Because of … in your history: …"; as they are before `enrich`.

    lists: with `item_id` and `reason`.
    """
    path = project.paths.enriched / "items.parquet"
    if not path.is_file():
        return lists
    clauses = ENRICHED_ITEMS.read(path).select("item_id", clause="reason")
    reason = pl.concat_str("reason", "clause", separator=": ", ignore_nulls=True)
    joined = lists.join(clauses, on="item_id", how="left", maintain_order="left")
    return joined.with_columns(reason=pl.when(pl.col("reason").is_not_null()).then(reason)).drop("clause")
