"""What Feast knows: entities, sources, views derived from the Tables, and the feature services."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from feast import Entity, FeatureService, FeatureView, Field, FileSource, Project, ValueType
from feast.types import Array, Bool, Float64, Int64, String

from features.repo.source_files import BY_RELEASE, BY_RUN, WRITER
from features.states.aggregates import ITEM_STATS, STATS, USER_CATEGORY_STATS, USER_STATS, state_columns
from features.states.histories import USER_HISTORY
from features.table import Table

PROJECT = "recops"
SERVICE = "ranking_v1"
ONLINE_SERVICE = "ranking_online_v1"
CATEGORY_SERVICE = "category_online_v1"
ITEM_VIEW = "item_stats_online"
ITEM_PREFIX = "item_"

NO_EXPIRY = timedelta(0)  # a state holds until the next arrival of its key: how old it is, is a feature and no fault

_feast_types: dict[pl.DataType, Any] = {
    pl.String(): String,
    pl.Int64(): Int64,
    pl.Float64(): Float64,
    pl.List(pl.String): Array(String),
    pl.List(pl.Int64): Array(Int64),
    pl.List(pl.Boolean): Array(Bool),
}
_descriptions = {
    "user_stats": "what a user did, after each arrival; online as of the newest event that the service took in",
    "item_stats": "what was done with an item, after each arrival; the past only (online: item_stats_online)",
    "user_category_stats": "what a user did within a category, after each arrival",
    "user_history": "a user's items, oldest first: the state of their session; online only",
    ITEM_VIEW: "item_stats as of the release, online, under names of its own so that it can stand beside user_stats",
}


def entities() -> dict[str, Entity]:
    """Join key → entity."""
    descriptions = {"user_id": "who", "item_id": "what", "category": "the category of an item"}
    return {
        key: Entity(name=key.removesuffix("_id"), join_keys=[key], value_type=ValueType.STRING, description=text)
        for key, text in descriptions.items()
    }


def view_of(table: Table, path: Path, *, online: bool, name: str | None = None, prefix: str = "") -> FeatureView:
    """A view with the columns of a table.

    path: the table's parquet file, which need not exist yet; a relative one is relative to the Feast repository.
    name: of the view, the table's by default; prefix: put before the name of each state.
    """
    name = name or table.name
    keys = [key for key in table.key if key != "event_timestamp"]
    entity_of = entities()
    stamps = {"event_timestamp", "created_timestamp"}
    mapping = {column: prefix + column for column in state_columns(table)} if prefix else {}
    writer = BY_RELEASE if table is USER_HISTORY else BY_RUN
    return FeatureView(
        name=name,
        entities=[entity_of[key] for key in keys],
        schema=[
            Field(name=mapping.get(column, column), dtype=_feast_types[_instance(kind)])
            for column, kind in table.columns.items()
            if column not in stamps
        ],
        source=FileSource(
            name=f"{name}_file",
            path=str(path),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            field_mapping=mapping,
            description=f"written by `{writer}`",
            tags={WRITER: writer},
        ),
        online=online,
        ttl=NO_EXPIRY,
        description=_descriptions[name],
        tags={"row": " and ".join(keys), "offline": "no" if table is USER_HISTORY or prefix else "yes"},
    )


def views_of(features_folder: Path, histories: Path) -> dict[str, FeatureView]:
    """Name → view, of one folder of feature tables and one file of histories."""
    views = [
        view_of(table, features_folder / f"{table.name}.parquet", online=table is not ITEM_STATS)
        for table in STATS.values()
    ]
    items = features_folder / f"{ITEM_STATS.name}.parquet"
    views.append(view_of(ITEM_STATS, items, online=True, name=ITEM_VIEW, prefix=ITEM_PREFIX))
    views.append(view_of(USER_HISTORY, histories, online=True))
    return {view.name: view for view in views}


def services_of(views: dict[str, FeatureView]) -> dict[str, FeatureService]:
    """Name → feature service over the views."""
    item_columns = [ITEM_PREFIX + column for column in state_columns(ITEM_STATS)]
    user_columns = list(state_columns(USER_STATS))
    pair = views[USER_CATEGORY_STATS.name][list(state_columns(USER_CATEGORY_STATS))]
    services = [
        FeatureService(
            name=SERVICE,
            features=[views[name][list(state_columns(table))] for name, table in STATS.items()],
            description="the past: the states behind a candidate's features, as of each entity row's instant "
            "(features/states/candidate_features.py)",
            tags={"ask": "get_historical_features", "rows": "user_id, item_id, category, event_timestamp"},
        ),
        FeatureService(
            name=ONLINE_SERVICE,
            features=[views[USER_STATS.name][user_columns], views[USER_HISTORY.name], views[ITEM_VIEW][item_columns]],
            description="the live release: a user's states and history, an item's states",
            tags={"ask": "get_online_features", "rows": "user_id, item_id"},
        ),
        FeatureService(
            name=CATEGORY_SERVICE,
            features=[pair],
            description="the live release: a user's states within a category",
            tags={"ask": "get_online_features", "rows": "user_id, category"},
        ),
    ]
    return {service.name: service for service in services}


def definitions(project: str, features_folder: Path, histories: Path) -> list[Any]:
    """Everything to apply to one Feast project: of one folder of feature tables and one file of histories."""
    views = views_of(features_folder, histories)
    return [project_of(project), *entities().values(), *views.values(), *services_of(views).values()]


def project_of(name: str) -> Project:
    """The Feast project of that name: the recops project itself, or the online rows of one of its releases."""
    if name == PROJECT:
        text = "recommender features; online rows are those of the live release"
        return Project(name=name, description=text, tags={"kind": "project"})
    return Project(name=name, description="online rows of one release", tags={"kind": "release"})


def _instance(kind: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return kind() if isinstance(kind, type) else kind
