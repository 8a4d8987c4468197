"""Feast's DuckDB offline store with an ASOF join, which answers a million rows in seconds instead of minutes."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from feast.feature_view import FeatureView
from feast.infra.offline_stores.duckdb import (
    DuckDBOfflineStore,
    DuckDBOfflineStoreConfig,
    _write_data_source,
)
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.ibis import IbisRetrievalJob
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import RepoConfig

from features.repo.source_files import relation, warning_of

logger = logging.getLogger(__name__)

_ROW = "recops_row"


class AsofOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc]
    """The settings of Feast's DuckDB store under this store's name."""

    type: str = "features.repo.offline_store.AsofOfflineStore"
    root: str | None = None
    """The project folder, for a feature_store.yaml that lies outside of it."""


class AsofOfflineStore(DuckDBOfflineStore):  # type: ignore[misc]
    """Of each view the newest row that had happened, and with `filter_by_created_timestamp` was known, at the entity
    row's instant.

    Every entity row is answered once and in its place: repeated rows and unknown keys (nulls) included.
    """

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
    ) -> RetrievalJob:
        """The joined rows; entity_df is a pandas frame with the join keys and one column of instants."""
        if not isinstance(entity_df, pd.DataFrame):
            raise TypeError(f"entity_df is {type(entity_df).__name__}, expected a pandas frame")
        at = infer_event_timestamp_from_entity_df(dict(zip(entity_df.columns, entity_df.dtypes, strict=True)))
        entities = pa.Table.from_pandas(entity_df, preserve_index=False)
        instants = pa.compute.cast(entities[at], pa.timestamp("us", "UTC"), safe=False)
        entities = entities.set_column(entities.column_names.index(at), at, instants)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            entities = entities.append_column(_ROW, pa.array(np.arange(len(entities))))
            connection.register("entities", entities)
            joined = entities.drop_columns([_ROW])
            for view in feature_views:
                prefix = view.projection.name_to_use()
                features = [ref.split(":", 1)[1] for ref in feature_refs if ref.split(":", 1)[0] == prefix]
                answers = _answers(connection, config, view, features, at, filter_by_created_timestamp)
                for feature in features:
                    shown = f"{prefix}__{feature}" if full_feature_names else feature
                    joined = joined.append_column(shown, answers[feature])
        newest_and_oldest = pa.compute.min_max(entities[at]).as_py()
        return _JoinedRows(
            joined,
            RetrievalMetadata(
                features=feature_refs,
                keys=[name for name in entities.column_names if name not in (at, _ROW)],
                min_event_timestamp=newest_and_oldest["min"],
                max_event_timestamp=newest_and_oldest["max"],
            ),
            full_feature_names,
            config,
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: FileSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """The last row of each key in an interval, ends included, ordered by key: what materialize writes."""
        keys = ", ".join(_name(column) for column in join_key_columns)
        fields = [*join_key_columns, *feature_name_columns, timestamp_field]
        newest = f"{_name(timestamp_field)} DESC"
        if created_timestamp_column:
            fields.append(created_timestamp_column)
            newest += f", {_name(created_timestamp_column)} DESC"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            latest = connection.sql(
                f"SELECT {', '.join(_name(field) for field in dict.fromkeys(fields))} "
                f"FROM {relation(config, data_source)} "
                f"WHERE {_name(timestamp_field)} BETWEEN ?::TIMESTAMPTZ AND ?::TIMESTAMPTZ "
                f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {newest}) = 1 ORDER BY {keys}",
                params=[start_date, end_date],
            ).to_arrow_table()
        return _JoinedRows(latest, None, False, config)

    def validate_data_source(self, config: RepoConfig, data_source: FileSource) -> None:
        """Logs what `feast apply` and `feast plan` should say of a source without a file; that is no error."""
        if text := warning_of(config, data_source):
            logger.warning("%s", text)


class _JoinedRows(IbisRetrievalJob):  # type: ignore[misc]
    """Rows that are already there; what Feast can do with a job (persist, validate, frame) works as usual."""

    def __init__(
        self, rows: pa.Table, metadata: RetrievalMetadata | None, full_feature_names: bool, config: RepoConfig
    ) -> None:
        import ibis

        super().__init__(
            ibis.memtable(rows), [], full_feature_names, metadata, _write_data_source, None, None, str(config.repo_path)
        )
        self._rows = rows

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._rows

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._rows.to_pandas()
        return frame


def _answers(
    connection: duckdb.DuckDBPyConnection,
    config: RepoConfig,
    view: FeatureView,
    features: list[str],
    at: str,
    known_only: bool,
) -> pa.Table:
    """The view's features for each of the entities, in their order.

    Only keys, instants and places go through the as-of join; the features are then taken from their places.
    """
    keys = view.projection.join_key_map or {entity.name: entity.name for entity in view.entity_columns}
    rows = connection.sql(_visible(connection, config, view, list(keys), features, known_only)).to_arrow_table()
    rows = rows.append_column(_ROW, pa.array(np.arange(len(rows))))
    connection.register("visible", rows)
    on = [f"e.{_name(theirs)} = v.{_name(ours)}" for ours, theirs in keys.items()]
    alive = f" AND e.{_name(at)} <= v.recops_event + {_interval(view.ttl)}" if view.ttl else ""
    found = connection.sql(
        f"SELECT e.{_ROW} AS asked, CASE WHEN v.{_ROW} IS NOT NULL{alive} THEN v.{_ROW} ELSE -1 END AS place "
        f"FROM entities AS e ASOF LEFT JOIN visible AS v "
        f"ON {' AND '.join(on)} AND e.{_name(at)} >= v.recops_since"
    ).fetchnumpy()
    connection.unregister("visible")
    places = np.empty(len(found["asked"]), dtype=np.int64)
    places[found["asked"]] = found["place"]
    return rows.select(features).take(pa.array(places, mask=places < 0))


def _visible(
    connection: duckdb.DuckDBPyConnection,
    config: RepoConfig,
    view: FeatureView,
    keys: list[str],
    features: list[str],
    known_only: bool,
) -> str:
    """The view's rows with `recops_since`, from when on each is the answer until the next one of its key is.

    A row counts from its event on or, with known_only, from when it is known too. One that becomes known after a newer
    event of its key is never the answer; rows of the same event give way to the one created last.
    """
    source = view.batch_source
    back = {new: old for old, new in source.field_mapping.items()}
    event, created = _name(source.timestamp_field), _name(source.created_timestamp_column or source.timestamp_field)
    columns = ", ".join(f"{_name(back.get(column, column))} AS {_name(column)}" for column in [*keys, *features])
    since = f"greatest({event}, {created})" if known_only else event
    rows = (
        f"SELECT {columns}, {event} AS recops_event, {created} AS recops_created, {since} AS recops_since "
        f"FROM {relation(config, source)}"
    )
    key = ", ".join(_name(column) for column in keys)
    simple = connection.execute(
        f"SELECT count(*) FILTER (recops_event <> recops_created) = 0 "
        f"AND count(*) = count(DISTINCT ({key}, recops_since)) FROM ({rows})"
    ).fetchall()
    if simple[0][0]:
        return rows
    order = f"PARTITION BY {key} ORDER BY recops_since, recops_event, recops_created"
    return (
        f"SELECT * FROM (SELECT *, max(recops_event) OVER ({order} ROWS UNBOUNDED PRECEDING) AS recops_newest "
        f"FROM ({rows})) WHERE recops_event = recops_newest "
        f"QUALIFY row_number() OVER (PARTITION BY {key}, recops_since "
        f"ORDER BY recops_event DESC, recops_created DESC) = 1"
    )


def _name(column: str) -> str:
    escaped = column.replace('"', '""')
    return f'"{escaped}"'


def _interval(ttl: timedelta) -> str:
    return f"INTERVAL '{ttl // timedelta(microseconds=1)} microseconds'"
