"""Feature tables for users with truncated histories."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from features.states.aggregates import ITEM_STATS, USER_CATEGORY_STATS, USER_STATS, arrivals, positives_of, state_rows
from flows.project.dataset import Project
from models.data.types import Catalogue
from models.interfaces import FeatureLookup


def write_features(
    source: Path, target: Path, rows: pl.DataFrame, catalogue: Catalogue, kept: pl.Series | None = None
) -> None:
    """Writes the tables of `source` with user features from these rows only; kept: ids of users who keep theirs.

    rows: of INTERACTIONS. Items keep their tables, which do not depend on the user.
    """
    positives = positives_of(source)
    facts = pl.DataFrame(
        {"item_id": catalogue.vocabulary.item_ids, "category": catalogue.item_categories, "price": catalogue.prices},
        schema_overrides={"category": pl.String},
    ).with_columns(pl.col("price").fill_nan(None))
    arrived = arrivals(rows.lazy(), facts.lazy(), positives).collect()
    for table in (USER_STATS, USER_CATEGORY_STATS):
        states = state_rows(arrived, table)
        if kept is not None:
            unchanged = table.read(source / f"{table.name}.parquet").filter(pl.col("user_id").is_in(kept.implode()))
            states = pl.concat([states.select(unchanged.columns), unchanged]).sort(table.key)
        table.write(states, target / f"{table.name}.parquet")
    (target / f"{ITEM_STATS.name}.parquet").symlink_to((source / f"{ITEM_STATS.name}.parquet").absolute())


@contextmanager
def lookup_with_truncated(
    project: Project, catalogue: Catalogue, short: pl.DataFrame, user_ids: pl.Series
) -> Iterator[FeatureLookup]:
    """The project's lookup, which knows the users of the rows `short` too; user_ids: of the others that ask."""
    if short.is_empty():
        yield project.offline_lookup(catalogue)
        return
    with tempfile.TemporaryDirectory(prefix="recops-short-") as scratch:
        write_features(project.paths.features, Path(scratch), short, catalogue, user_ids)
        yield project.offline_lookup(catalogue, Path(scratch))
