"""What Feast knows: entities, sources and views derived from the Tables, and the feature service `ranking_v1`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Bool, Float64, Int64, String

from features.states.aggregates import STATS, state_columns
from features.states.histories import USER_HISTORY
from features.table import Table

SERVICE = "ranking_v1"

_feast_types: dict[pl.DataType, Any] = {
    pl.String(): String,
    pl.Int64(): Int64,
    pl.Float64(): Float64,
    pl.List(pl.String): Array(String),
    pl.List(pl.Int64): Array(Int64),
    pl.List(pl.Boolean): Array(Bool),
}
_descriptions = {
    "user_stats": "what a user did, after each arrival",
    "item_stats": "what was done with an item, after each arrival; online it is one array in the release",
    "user_category_stats": "what a user did within a category, after each arrival",
    "user_history": "a user's items, oldest first: the state of their session",
}


def entities() -> dict[str, Entity]:
    """Join key → entity."""
    described = {"user_id": "who", "item_id": "what", "category": "the category of an item"}
    return {
        key: Entity(name=key.removesuffix("_id"), join_keys=[key], value_type=ValueType.STRING, description=text)
        for key, text in described.items()
    }


def view_of(table: Table, path: Path, *, online: bool) -> FeatureView:
    """A view with the columns of a table whose parquet file (it need not exist yet) is at an absolute path."""
    keys = [key for key in table.key if key != "event_timestamp"]
    known = entities()
    stamps = {"event_timestamp", "created_timestamp"}
    return FeatureView(
        name=table.name,
        entities=[known[key] for key in keys],
        schema=[
            Field(name=name, dtype=_feast_types[_instance(kind)])
            for name, kind in table.columns.items()
            if name not in stamps
        ],
        source=FileSource(
            name=f"{table.name}_file",
            path=str(path.absolute()),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
        ),
        online=online,
        description=_descriptions[table.name],
    )


def definitions(features_folder: Path, histories: Path) -> list[Any]:
    """Everything to apply: of one folder of feature tables and one file of histories."""
    views = {
        table.name: view_of(table, features_folder / f"{table.name}.parquet", online=table.name != "item_stats")
        for table in STATS.values()
    }
    history = view_of(USER_HISTORY, histories, online=True)
    ranking = FeatureService(
        name=SERVICE,
        features=[views[name][list(state_columns(table))] for name, table in STATS.items()],
        description="states that a candidate's features are derived from (features/states/candidate_features.py)",
    )
    return [*entities().values(), *views.values(), history, ranking]


def _instance(kind: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return kind() if isinstance(kind, type) else kind
