"""Opens Feast on a folder of feature tables: for the historical join, or on the online store of a namespace."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.repo.absent import absent

logger = logging.getLogger(__name__)

_YAML = Path(__file__).with_name("feature_store.yaml")


def feast() -> Any:
    """The package `feast`, imported without typeguard and torch.

    typeguard's instrumentation of every class and torch (for embeddings of images) take 5 of the 7 CPU seconds of the
    import and half its memory, and nothing here uses them. Unless they are imported already, substitutes stand in while
    feast is imported.
    """
    if "feast" not in sys.modules:
        with absent("typeguard", "torch"):
            import feast as package
    import feast as package  # noqa: F811

    return package


def open_store(project: str, registry: dict[str, Any] | Path, online_store: dict[str, Any]) -> Any:
    """A FeatureStore with the settings of feature_store.yaml but these.

    registry: Feast's section `registry`, or the file of one that nobody shares.
    """
    from ruamel.yaml import YAML

    feast()
    from feast import FeatureStore, RepoConfig

    import features.repo.offline_store  # noqa: F401  Feast loads it by this name, which stands in the yaml

    if isinstance(registry, Path):
        registry.parent.mkdir(parents=True, exist_ok=True)
        registry = {"registry_type": "file", "path": str(registry)}
    values = YAML(typ="safe").load(_YAML.read_text(encoding="utf-8"))
    values.update(project=project, online_store=online_store, registry={**registry, "cache_ttl_seconds": 0})
    return FeatureStore(config=RepoConfig(repo_path=str(_YAML.parent), **values))


def apply(store: Any, features_folder: Path, histories: Path) -> None:
    """Writes project, entities, views and feature services into the registry, and makes the online tables.

    A relative path is relative to the Feast repository, an absolute one stays as it is.
    """
    from features.repo.views import definitions

    with quiet():
        store.apply(definitions(store.project, features_folder, histories))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Feast prints while it works; that goes to the log of this module."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        for line in printed.getvalue().splitlines():
            logger.debug("%s", line)
