"""RawTables and Options: what every source gives, and what it may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from features.privacy.hashed_ids import IdHasher
from features.schema import ITEM_VECTORS, ITEMS, QUARANTINE, RELATIONS, USERS


@dataclass(frozen=True)
class Options:
    """Choices of one import.

    `bad_share` is the largest share of unreadable rows [0, 1] in any one table that the import goes on with;
    `columns` maps our column names to those of the files (`title` or, for one table only, `items.title`);
    `constants` gives columns of the interactions one value for all rows (`event` → `purchase`);
    `files` names the file of a table, whatever it is called (`items` → products.csv);
    `order_column` names the order of each row: its further rows take user, time and event from its first;
    `hasher` makes hashes of all ids of users.
    """

    bad_share: float = 0.05
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    order_column: str | None = None
    hasher: IdHasher | None = None


@dataclass(frozen=True)
class RawTables:
    """The tables of one source, each as its Table in features.schema; those that a source does not have are empty.

    `quarantine` holds the rows that could not be read; `artificial_time` says that timestamps only carry an order;
    `counts` are whole numbers for the report (rows read, repeated, …); `notes` are sentences for the person;
    `extras` are further tables kept beside the others, by file name without `.parquet` (may hold `/`).
    """

    interactions: pl.DataFrame
    items: pl.DataFrame = field(default_factory=ITEMS.empty)
    users: pl.DataFrame = field(default_factory=USERS.empty)
    relations: pl.DataFrame = field(default_factory=RELATIONS.empty)
    item_vectors: pl.DataFrame = field(default_factory=ITEM_VECTORS.empty)
    quarantine: pl.DataFrame = field(default_factory=QUARANTINE.empty)
    artificial_time: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    extras: Mapping[str, pl.DataFrame] = field(default_factory=dict)
