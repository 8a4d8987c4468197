"""Feast's online store of the project: reads the rows of whichever release is live; Feast loads it by its name."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from feast.feature_view import FeatureView
from feast.infra.online_stores.helpers import get_online_store_from_config
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.repo_config import FeastConfigBaseModel, RepoConfig

from features.online.backends import place
from features.online.online_place import OnlinePlace
from features.repo.faults import RepositoryError
from features.repo.project_folder import project_folder
from features.resilience.repeats import RepeatLogger
from features.settings import read_settings

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

Row = tuple[datetime | None, dict[str, Any] | None]


class LiveOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """The section `online_store`; which store it is, says RECOPS_ONLINE_STORE."""

    type: Literal["features.online.repository.live_online_store.LiveOnlineStore"]
    home: str | None = None
    """RECOPS_HOME, for a feature_store.yaml that lies in it."""


@dataclass(frozen=True)
class _Live:
    """The live release's namespace, opened."""

    namespace: str
    place: OnlinePlace
    store: OnlineStore
    config: RepoConfig


class LiveOnlineStore(OnlineStore):  # type: ignore[misc]
    """Every call reads the live pointer once, so that a release or a rollback counts for the next call.

    Before the first release every row is unknown (null). Rows are written by releases and by the service alone.
    """

    def __init__(self) -> None:
        self._opened: _Live | None = None
        self._of_call: ContextVar[_Live | None] = ContextVar("live release of this call", default=None)

    def get_online_features(self, config: RepoConfig, *args: Any, **kwargs: Any) -> Any:
        """The features of some entity rows, as Feast's own stores return them, all from one release."""
        token = self._of_call.set(self._live(config))
        try:
            return super().get_online_features(config, *args, **kwargs)
        finally:
            self._of_call.reset(token)

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[Row]:
        """One view's rows, (None, None) where a key is unknown.

        Raises:
            RepositoryError: the online store has lost the live release's rows.
            StoreUnavailableError: the online store does not answer.
        """
        live = self._of_call.get() or self._live(config)
        if live is None:
            return [(None, None)] * len(entity_keys)
        try:
            with live.place.reading(), _without_table():
                return list(live.store.online_read(live.config, table, entity_keys, requested_features))
        except _TableMissingError:
            repeats.warning("the live release was made before there was %s; release again to fill it", table.name)
            return [(None, None)] * len(entity_keys)

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[Any], progress: Callable[[int], Any] | None
    ) -> None:
        raise RepositoryError(
            f"{table.name}: `recops release` fills the online store and the service keeps it up to date; "
            "`feast materialize` and `push` write nothing here"
        )

    def update(self, config: RepoConfig, *args: Any, **kwargs: Any) -> None:
        """Does nothing: each release makes the tables of its own namespace."""

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Any]) -> None:
        raise RepositoryError("`feast teardown` would take the live release's rows; `recops gc` removes old releases")

    def _live(self, config: RepoConfig) -> _Live | None:
        """The live release's namespace, opened; None before the first release."""
        home = _home(config)
        namespace = live_namespace(home)
        if namespace is None:
            repeats.warning("no release is live in %s, so every online feature is null (`recops release`)", home)
            return None
        if self._opened is None or self._opened.namespace != namespace:
            self._opened = _open(config, home, namespace)
        return self._opened


def live_namespace(home: Path) -> str | None:
    """The online namespace of the live release, from the pointer that models/release/store.py writes.

    Raises:
        RepositoryError: pointer or release cannot be read.
    """
    pointer = home / "releases" / "live.json"
    try:
        history = json.loads(pointer.read_text(encoding="utf-8"))["history"]
        if not history:
            return None
        pointer = pointer.parent / history[-1]["release"] / "release.json"
        return str(json.loads(pointer.read_text(encoding="utf-8"))["namespace"])
    except FileNotFoundError:
        if pointer.name == "live.json":
            return None
        raise RepositoryError(f"{pointer}: the live release is not there; put another one live") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise RepositoryError(f"{pointer}: not readable ({error}); see `recops releases`") from None


class _TableMissingError(Exception):
    """A SQLite file without the table of a view."""


@contextmanager
def _without_table() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise _TableMissingError from error
        raise


def _home(config: RepoConfig) -> Path:
    """RECOPS_HOME of the yaml or of the environment, `.recops` by default; a relative one is below the project."""
    root = project_folder(config.repo_path)
    return root / (config.online_store.home or os.environ.get("RECOPS_HOME") or ".recops")


def _open(config: RepoConfig, home: Path, namespace: str) -> _Live:
    online = place(read_settings().online_store, home / "online", namespace)
    if online.read_notes() is None:
        raise RepositoryError(
            f"the live release's online namespace {namespace} is not in the online store; set RECOPS_ONLINE_STORE as "
            "for the release, put another one live (`recops rollback`), or make one again (`recops release`)"
        )
    inner = RepoConfig(
        project=namespace,
        provider="local",
        registry=config.registry_config,
        online_store=online.settings(),
        entity_key_serialization_version=config.entity_key_serialization_version,
    )
    store = get_online_store_from_config(inner.online_store)
    online.connected(SimpleNamespace(provider=SimpleNamespace(online_store=store), config=inner))
    return _Live(namespace, online, store, inner)
