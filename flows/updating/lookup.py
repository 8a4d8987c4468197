"""Features as of the instants of recent events: the project's tables, and those of the event log's users and items."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from features.states.aggregates import STATS, arrivals, positives_of, state_rows, write_about
from flows.project.dataset import Project
from flows.updating.known_rows import KnownRows
from models.data.types import Catalogue
from models.interfaces import FeatureLookup


@contextmanager
def lookup_through(
    project: Project, catalogue: Catalogue, known: KnownRows, user_ids: pl.Series
) -> Iterator[FeatureLookup]:
    """A lookup that knows all rows, for queries of these users; the tables of the project are not touched."""
    if known.fresh.is_empty():
        yield project.offline_lookup(catalogue)
        return
    source = project.paths.features
    facts = pl.DataFrame(
        {"item_id": catalogue.vocabulary.item_ids, "category": catalogue.item_categories, "price": catalogue.prices},
        schema_overrides={"category": pl.String},
    ).with_columns(pl.col("price").fill_nan(None))
    positives = positives_of(source)
    rows = arrivals(known.every.lazy(), facts.lazy(), positives).collect()
    of_users = rows.filter(pl.col("user_id").is_in(user_ids.unique().implode()))
    with tempfile.TemporaryDirectory(prefix="recops-update-") as scratch:
        for name, table in STATS.items():
            chosen = of_users if table.key[0] == "user_id" else rows
            table.write(state_rows(chosen, table), Path(scratch) / f"{name}.parquet")
        write_about(Path(scratch), positives)
        yield project.offline_lookup(catalogue, Path(scratch))
