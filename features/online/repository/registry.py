"""The project's one Feast registry: a file under RECOPS_HOME, or the SQL database that RECOPS_FEAST_REGISTRY names."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.files import write_text
from features.resilience.outages import StoreUnavailableError
from features.settings import Settings

FILE = "feast_registry.pb"
YAML = "feature_store.yaml"
STORE = "features.online.repository.registry_store.SharedRegistryStore"


class RegistryUnavailableError(UserError, StoreUnavailableError):
    """The database that holds the registry does not answer."""


def registry_file(home: Path) -> Path:
    """The file of a home, which all its releases and the project itself share."""
    return home / "online" / FILE


def registry_section(settings: Settings, project: str) -> dict[str, Any]:
    """Feast's section `registry` for one Feast project (a release's namespace, or `recops`).

    Raises:
        UserError: RECOPS_FEAST_REGISTRY is no URL.
    """
    url = settings.feast_registry
    if not url:
        return {"registry_store_type": STORE, "path": f"{registry_file(settings.home)}#{project}"}
    if "://" not in url:
        raise UserError(
            "RECOPS_FEAST_REGISTRY is no URL of a database; expected postgresql://user:password@host:port/name "
            "(unset: a file under RECOPS_HOME)"
        )
    return {"registry_type": "sql", "path": url}


def open_project(settings: Settings, project: str, online_store: dict[str, Any]) -> Any:
    """A FeatureStore on one Feast project of the registry.

    online_store: Feast's section of that name.

    Raises:
        RegistryUnavailableError: the database of RECOPS_FEAST_REGISTRY does not answer.
    """
    from features.repo.store import open_store

    store = open_store(project, registry_section(settings, project), online_store)
    try:
        _ = store.registry
    except Exception as error:
        from sqlalchemy.exc import SQLAlchemyError

        if not isinstance(error, SQLAlchemyError):
            raise
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise RegistryUnavailableError(
            f"RECOPS_FEAST_REGISTRY: the database of Feast's registry does not answer ({reason}); start or correct it"
        ) from error
    return store


def write_feature_store_yaml(settings: Settings, root: Path) -> Path:
    """Writes the settings of the project `recops` beside the registry, for Feast outside of the project folder.

    No secret is in it: a database of RECOPS_FEAST_REGISTRY and a Redis of RECOPS_ONLINE_STORE are read from the
    environment.
    """
    from ruamel.yaml import YAML as RuamelYaml

    import features.repo.store

    yaml = RuamelYaml(typ="safe")
    yaml.default_flow_style = False
    values = yaml.load(Path(features.repo.store.__file__).with_name(YAML).read_text(encoding="utf-8"))
    registry = {"registry_store_type": STORE, "path": str(registry_file(settings.home))}
    if settings.feast_registry:
        registry = {"registry_type": "sql", "path": "$RECOPS_FEAST_REGISTRY"}
    values["registry"] = {**registry, "cache_ttl_seconds": 0}
    values["offline_store"]["root"] = str(root)
    values["online_store"]["home"] = str(settings.home)
    text = io.StringIO()
    yaml.dump(values, text)
    path = settings.home / "online" / YAML
    write_text(f"# Written by `recops release`; FeatureStore({str(path.parent)!r}) opens it.\n{text.getvalue()}", path)
    return path


def forget_project(settings: Settings, project: str) -> None:
    """Takes one Feast project out of the registry; one that is not there is no error."""
    if settings.feast_registry:
        _forget_in_database(settings, project)
    elif _may_hold(registry_file(settings.home), project):
        from features.repo.store import feast

        feast()
        from features.online.repository.registry_store import forget

        forget(registry_file(settings.home), project)


def _may_hold(path: Path, project: str) -> bool:
    """Spares the import of feast where the file does not even hold the name."""
    return path.is_file() and project.encode() in path.read_bytes()


def _forget_in_database(settings: Settings, project: str) -> None:
    registry = open_project(settings, "recops", {"type": "sqlite"}).registry
    if any(held.name == project for held in registry.list_projects()):
        registry.delete_project(project)
