"""Snapshot: item states and the list of users as of the end of the data, kept in a release beside its bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from features.states.aggregates import ITEM_STATS
from features.states.item_states import ItemStates
from features.table import Table, write_parquet

ITEMS = "items"
USERS_FILE = "users.parquet"

CARRIED_USERS = Table(
    "carried_users",
    {"user_id": pl.String, "n_events": pl.Int64},
    key=("user_id",),
    required=("user_id", "n_events"),
)


def write_snapshot(folder: Path, features_folder: Path, histories: pl.DataFrame, at: int) -> None:
    """Writes `items/` (the last state of each item as of `at` [µs]) and users.parquet into a release's folder.

    histories: USER_HISTORY of the release's users.
    """
    path = features_folder / f"{ITEM_STATS.name}.parquet"
    item_ids = pl.scan_parquet(path).select("item_id").unique().sort("item_id").collect()["item_id"].to_list()
    ItemStates.from_parquet(features_folder, item_ids, at).to_parquet(folder / ITEMS)
    users = histories.select("user_id", n_events=pl.col("item_ids").list.len().cast(pl.Int64)).sort("user_id")
    write_parquet(CARRIED_USERS.check(users, source="histories"), folder / USERS_FILE)


def snapshot_items(folder: Path, item_ids: Sequence[str], events_through: int) -> ItemStates | None:
    """Item states in the order of a vocabulary; None where the folder has none."""
    if not (folder / ITEMS / f"{ITEM_STATS.name}.parquet").is_file():
        return None
    return ItemStates.from_parquet(folder / ITEMS, item_ids, events_through=events_through)


def snapshot_users(folder: Path) -> pl.DataFrame:
    """CARRIED_USERS, empty where the folder has none."""
    path = folder / USERS_FILE
    return CARRIED_USERS.read(path) if path.is_file() else CARRIED_USERS.empty()
