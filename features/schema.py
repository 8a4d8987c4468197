"""Schemas of all tables: the columns that every package shares."""

from __future__ import annotations

import polars as pl

from features.files import write_text as write_text
from features.table import Table, type_of_time

INTERACTIONS = Table(
    "interactions",
    {
        "user_id": pl.String,
        "item_id": pl.String,
        "timestamp": type_of_time,
        "event": pl.String,
        "value": pl.Float64,
        "known_at": type_of_time,
    },
    required=("user_id", "item_id", "timestamp", "known_at"),
)
ITEMS = Table(
    "items",
    {
        "item_id": pl.String,
        "title": pl.String,
        "description": pl.String,
        "tags": pl.List(pl.String),
        "category": pl.String,
        "price": pl.Float64,
        "created_at": type_of_time,
    },
    key=("item_id",),
    required=("item_id",),
    open=True,
)
USERS = Table("users", {"user_id": pl.String}, key=("user_id",), required=("user_id",), open=True)
RELATIONS = Table("relations", {"user_id": pl.String, "friend_id": pl.String}, required=("user_id", "friend_id"))
ITEM_VECTORS = Table(
    "item_vectors",
    {"item_id": pl.String, "modality": pl.String, "vector": pl.List(pl.Float32)},
    key=("item_id", "modality"),
    required=("item_id", "modality", "vector"),
)
QUARANTINE = Table(
    "quarantine",
    {"file": pl.String, "line": pl.Int64, "column": pl.String, "found": pl.String, "reason": pl.String},
)
# interactions of one part with the trust weight in [0, 1] of each row (1 = trusted)
LOG = Table(
    "log",
    {**INTERACTIONS.columns, "trust": pl.Float64},
    required=("user_id", "item_id", "timestamp", "trust"),
)
# one row an item of the vocabulary, in the order of the vocabulary
CATALOGUE = Table("catalogue", {**ITEMS.columns, "text": pl.String}, key=("item_id",), required=("item_id",))
RAW_TABLES = {table.name: table for table in (INTERACTIONS, ITEMS, USERS, RELATIONS, ITEM_VECTORS)}
