"""A registry file that several processes and Feast projects share; Feast loads the class by its name in the yaml."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feast.infra.registry.registry_store import RegistryStore
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.repo_config import RegistryConfig

from features.errors import UserError
from features.files import locked, replacing
from features.repo.faults import RepositoryError
from features.repo.project_folder import project_folder

HOME = "$RECOPS_HOME"
SQL_YAML = "features/repo/feature_store_sql.yaml"
LOCK_S = 30.0
_shared = ("infra", "version_id", "last_updated", "registry_schema_version")


class SharedRegistryStore(RegistryStore):  # type: ignore[misc]
    """A registry store that several processes share.

    Feast would write back the whole registry that it read; this store replaces only the Feast projects that it changed.
    So a release that fills its namespace and a `feast apply` at the same time keep each other's work. The file is
    replaced whole, so that readers need no lock.

    path: of the file, relative to the Feast repository; `$RECOPS_HOME` stands for `.recops` in the project folder where
    that variable is not set. `path#project` reads and writes that Feast project only.
    """

    def __init__(self, registry_config: RegistryConfig, repo_path: Path | None) -> None:
        path, _, self._only = registry_config.path.partition("#")
        if path.startswith(HOME):
            if os.environ.get("RECOPS_FEAST_REGISTRY"):
                raise RepositoryError(
                    f"RECOPS_FEAST_REGISTRY is set: this project's registry is there; add -f {SQL_YAML}"
                )
            path = str(project_folder(repo_path) / ".recops") + path.removeprefix(HOME)
        elif repo_path is not None and not Path(path).is_absolute():
            path = str(project_folder(repo_path) / path)  # a relative RECOPS_HOME
        self._path = Path(path)
        self._seen = Registry()

    def get_registry_proto(self) -> Registry:
        """The content of the registry file.

        Raises:
            FileNotFoundError: there is none; Feast then begins with an empty registry.
        """
        registry = _read(self._path)
        if self._only:
            registry = _with_only(registry, {self._only})
        self._seen = _copy(registry)
        registry.version_id = _version(registry)
        return registry

    def update_registry_proto(self, registry_proto: Registry) -> None:
        """Replaces the Feast projects that differ from what was read."""
        before, after = _parts(self._seen), _parts(registry_proto)
        changed = {project for project in before.keys() | after.keys() if before.get(project) != after.get(project)}
        with _locked(self._path):
            registry = _without(_read(self._path), changed) if self._path.exists() else Registry()
            mine = _with_only(registry_proto, changed)
            mine.ClearField("infra")  # online tables that `feast plan` keeps an account of; ours are made by releases
            registry.MergeFrom(mine)
            _write(registry, self._path)
        self._seen = _copy(registry_proto)
        registry_proto.version_id = _version(registry_proto)

    def teardown(self) -> None:
        """The releases' projects are in the file too, so it stays."""
        raise RepositoryError(f"{self._path}: releases are in this registry; `recops gc` removes those that have gone")


def forget(path: Path, project: str) -> None:
    """Takes one Feast project out of a registry file."""
    with _locked(path):
        _write(_without(_read(path), {project}), path)


def _locked(path: Path) -> Any:
    def refusal(holder: str) -> UserError:
        return UserError(f"{path}: process {holder} has held the registry's lock for {LOCK_S:.0f} s; end it, try again")

    return locked(path.with_suffix(".lock"), refusal, wait_s=LOCK_S, poll_s=0.02)


def _read(path: Path) -> Registry:
    registry = Registry()
    registry.ParseFromString(path.read_bytes())
    return registry


def _write(registry: Registry, path: Path) -> None:
    with replacing(path) as scratch:
        scratch.write_bytes(registry.SerializeToString(deterministic=True))


def _version(registry: Registry) -> str:
    """Names the content: Feast's caches know a registry by its address, which a later one may take, and its version."""
    bare = _copy(registry)
    bare.ClearField("version_id")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()


def _copy(registry: Registry) -> Registry:
    copy = Registry()
    copy.CopyFrom(registry)
    return copy


def _lists(registry: Registry) -> Iterator[Any]:
    """The lists of objects that belong to Feast projects."""
    for field, value in registry.ListFields():
        if field.name == "feature_view_version_history":
            yield value.records
        elif field.name not in _shared:
            yield value


def _project(thing: Any) -> str:
    """The Feast project that an object of any kind belongs to."""
    for holder in (thing, getattr(thing, "spec", None)):
        for name in ("project_id", "project"):
            if isinstance(project := getattr(holder, name, None), str):
                return project
    return str(thing.spec.name)  # a Project itself


def _parts(registry: Registry) -> dict[str, list[bytes]]:
    """Feast project → its objects, to compare."""
    parts: dict[str, list[bytes]] = {}
    for objects in _lists(registry):
        for thing in objects:
            parts.setdefault(_project(thing), []).append(thing.SerializeToString(deterministic=True))
    return parts


def _with_only(registry: Registry, projects: set[str]) -> Registry:
    return _filtered(registry, lambda project: project in projects)


def _without(registry: Registry, projects: set[str]) -> Registry:
    return _filtered(registry, lambda project: project not in projects)


def _filtered(registry: Registry, wanted: Any) -> Registry:
    result = _copy(registry)
    for objects in _lists(result):
        kept = [thing for thing in objects if wanted(_project(thing))]
        del objects[:]
        objects.extend(kept)
    return result
