"""Opens Feast on a folder of feature tables: for the historical join, or on the online store of a namespace."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

_YAML = Path(__file__).with_name("feature_store.yaml")


def feast() -> Any:
    """The package, imported without what costs most of its import and is not used here.

    typeguard's instrumentation of every class and torch (for embeddings in images) take 5 of 7 CPU seconds and half the
    memory: both are stood in for while feast is imported, unless they are there already, and removed afterwards.
    """
    if "feast" not in sys.modules:
        with _absent("typeguard", "torch"):
            import feast as package
    import feast as package  # noqa: F811

    return package


@contextlib.contextmanager
def _absent(*names: str) -> Iterator[None]:
    """Modules that cannot be imported meanwhile; typeguard's decorator is the identity."""
    stood_in = [name for name in names if name not in sys.modules]
    for name in stood_in:
        if name == "typeguard":
            stub = types.ModuleType(name)
            stub.typechecked = lambda thing=None, **_: thing or (lambda inner: inner)  # type: ignore[attr-defined]
            sys.modules[name] = stub
        else:
            sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in stood_in:
            sys.modules.pop(name, None)


def open_store(project: str, registry: Path, online_store: dict[str, Any]) -> Any:
    """A FeatureStore with the settings of feature_store.yaml but these."""
    from ruamel.yaml import YAML

    feast()
    from feast import FeatureStore, RepoConfig

    import features.repo.offline_store  # noqa: F401  Feast loads it by this name, which stands in the yaml

    values = YAML(typ="safe").load(_YAML.read_text(encoding="utf-8"))
    values.update(project=project, online_store=online_store)
    values["registry"]["path"] = str(registry)
    registry.parent.mkdir(parents=True, exist_ok=True)
    return FeatureStore(config=RepoConfig(repo_path=str(registry.parent), **values))


def apply(store: Any, features_folder: Path, histories: Path) -> None:
    """Writes entities, views and the feature service into the registry, and makes the online tables."""
    from features.repo.views import definitions

    with quiet():
        store.apply(definitions(features_folder.absolute(), histories.absolute()))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Feast prints while it works; that goes to the log of this module."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        for line in said.getvalue().splitlines():
            logger.debug("%s", line)
